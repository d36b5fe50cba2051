"""Rootless BuildKit daemon, which builds the components' images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import NetworkRule, allow_dns_egress, allow_internet_egress, pods_of, ports
from common.outputs import known_after
from game_app.cluster_addresses import BUILDKIT, BUILDKIT_URL
from game_app.workload import deployment, files_volume, scratch_volume, service

_CONFIGURATION: Final = Path(__file__).parent / "buildkitd.toml"
_FOLDER: Final = "/etc/buildkit"
_USER: Final = 1000
_QUOTA: Final = Quota(
    pods=2,
    cpu="8",
    memory="8Gi",
    storage="20Gi",
    container_cpu="4",
    container_memory="4Gi",
    container_storage="10Gi",
)


@dataclass(frozen=True, kw_only=True)
class BuildKitArgs:
    """Arguments of the BuildKit daemon."""

    image: str
    client_namespaces: Sequence[str]
    """Namespaces of the components' deployments, which may connect. No player's build runs there."""
    api: ApiServer
    """The cluster's own API, which a Dockerfile must not reach."""


class BuildKit(pulumi.ComponentResource):
    """BuildKit without root; the registry's login stays with the step that connects, out of reach of a Dockerfile.

    The daemon makes user namespaces, for which its pod runs unconfined; only a namespace that enforces `privileged`
    admits such a pod, and no other pod runs there.
    Source: github.com/moby/buildkit, docs/rootless.md
    """

    url: pulumi.Output[str]
    """Address for `buildctl --addr`, known once the daemon is ready."""

    def __init__(self, name: str, args: BuildKitArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:BuildKit", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=BUILDKIT.namespace,
                app=BUILDKIT.app,
                pod_security="privileged",
                quota=_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    allow_internet_egress(args.api),
                    *([_allow_deployments(args.client_namespaces)] if args.client_namespaces else []),
                ],
            ),
            opts=child,
        ).name
        configuration = {_CONFIGURATION.name: _CONFIGURATION.read_text()}
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration",
            metadata={"name": "configuration", "namespace": namespace},
            data=configuration,
            opts=child,
        )
        running = deployment(
            name,
            BUILDKIT.app,
            namespace,
            _pod(args.image, config_map.metadata.name),
            replicas=1,
            files=configuration,
            recreate=True,
            opts=child,
        )
        # No value flows, but a Service counts as ready only once it has endpoints.
        after_pod = pulumi.ResourceOptions(parent=self, depends_on=[running])
        served = service(name, BUILDKIT.app, namespace, BUILDKIT.port, after_pod)
        self.url = known_after(BUILDKIT_URL, served.id)
        self.register_outputs({"url": self.url})


def _allow_deployments(namespaces: Sequence[str]) -> NetworkRule:
    clients = [pods_of(namespace) for namespace in namespaces]
    return NetworkRule(name="allow-deployments", ingress=[{"from_": clients, "ports": ports(BUILDKIT.port)}])


def _pod(image: str, config_map: pulumi.Input[str]) -> k8s.core.v1.PodSpecArgs:
    core = k8s.core.v1
    unconfined = core.SeccompProfileArgs(type="Unconfined")
    return core.PodSpecArgs(
        automount_service_account_token=False,
        enable_service_links=False,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True, run_as_user=_USER, run_as_group=_USER, fs_group=_USER
        ),
        containers=[
            core.ContainerArgs(
                name="buildkitd",
                image=image,
                args=[
                    *("--config", f"{_FOLDER}/{_CONFIGURATION.name}", "--addr", f"tcp://0.0.0.0:{BUILDKIT.port}"),
                    "--oci-worker-no-process-sandbox",
                ],
                ports=[core.ContainerPortArgs(name="main", container_port=BUILDKIT.port)],
                readiness_probe=core.ProbeArgs(tcp_socket=core.TCPSocketActionArgs(port="main")),
                resources=core.ResourceRequirementsArgs(
                    # Without requests Kubernetes requests the whole limit, which a small node does not have.
                    requests={"cpu": "250m", "memory": "512Mi", "ephemeral-storage": "1Gi"},
                    limits={"memory": "4Gi", "ephemeral-storage": "10Gi"},
                ),
                security_context=core.SecurityContextArgs(
                    seccomp_profile=unconfined, app_armor_profile=core.AppArmorProfileArgs(type="Unconfined")
                ),
                volume_mounts=[
                    core.VolumeMountArgs(name="state", mount_path="/home/user/.local/share/buildkit"),
                    core.VolumeMountArgs(name="configuration", mount_path=_FOLDER, read_only=True),
                ],
            )
        ],
        volumes=[scratch_volume("state", "8Gi"), files_volume("configuration", config_map)],
    )

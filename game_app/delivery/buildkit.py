"""The daemon that builds the components' images, without root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.naming import labels
from common.network_policies import NetworkRule, allow_dns_egress, allow_internet_egress, pods_of, ports
from game_app.workload import scratch_volume, selector, service, template

NAMESPACE: Final = "buildkit"
APP: Final = "buildkit"
PORT: Final = 1234
URL: Final = f"tcp://{APP}.{NAMESPACE}.svc.cluster.local:{PORT}"
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
    """Who may have images built, and by what."""

    image: str
    namespaces: Sequence[str]
    """The namespaces of the components' deployments. No player's build is among them."""
    api: ApiServer
    """The cluster's own, which a Dockerfile has no business with."""


class BuildKit(pulumi.ComponentResource):
    """A rootless BuildKit daemon; the registry's password stays with the step that asks, out of reach of a Dockerfile.

    It makes user namespaces of its own, which needs a profile that no stricter namespace than this one lets in, and so
    it stands alone in it.
    Source: github.com/moby/buildkit, docs/rootless.md
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, args: BuildKitArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:BuildKit", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=NAMESPACE,
                app=APP,
                pod_security="privileged",
                quota=_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    allow_internet_egress(args.api),
                    *([_allow_deployments(args.namespaces)] if args.namespaces else []),
                ],
            ),
            opts=child,
        ).name
        running = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata={"name": APP, "namespace": namespace, "labels": dict(labels(APP))},
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(selector(APP))),
                template=template(APP, _pod(args.image)),
            ),
            opts=child,
        )
        # No value flows, but a Service counts as ready only once it has endpoints.
        door = service(name, APP, namespace, PORT, pulumi.ResourceOptions(parent=self, depends_on=[running]))
        self.url = door.id.apply(lambda _: URL)
        self.register_outputs({"url": self.url})


def _allow_deployments(namespaces: Sequence[str]) -> NetworkRule:
    callers = [pods_of(namespace) for namespace in namespaces]
    return NetworkRule(name="allow-deployments", ingress=[{"from_": callers, "ports": ports(PORT)}])


def _pod(image: str) -> k8s.core.v1.PodSpecArgs:
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
                args=["--addr", f"tcp://0.0.0.0:{PORT}", "--oci-worker-no-process-sandbox"],
                ports=[core.ContainerPortArgs(name="main", container_port=PORT)],
                readiness_probe=core.ProbeArgs(tcp_socket=core.TCPSocketActionArgs(port="main")),
                resources=core.ResourceRequirementsArgs(
                    # Without a request of its own it would ask for all of its limit, which a small node has not.
                    requests={"cpu": "250m", "memory": "512Mi", "ephemeral-storage": "1Gi"},
                    limits={"memory": "4Gi", "ephemeral-storage": "10Gi"},
                ),
                security_context=core.SecurityContextArgs(
                    seccomp_profile=unconfined, app_armor_profile=core.AppArmorProfileArgs(type="Unconfined")
                ),
                volume_mounts=[core.VolumeMountArgs(name="state", mount_path="/home/user/.local/share/buildkit")],
            )
        ],
        volumes=[scratch_volume("state", "8Gi")],
    )

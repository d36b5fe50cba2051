"""Gitea on the board: StatefulSet, Service and Ingress of Gitea, with the set-up in the same pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    NetworkRule,
    allow_dns_egress,
    allow_ingress,
    allow_ingress_controller,
    allow_kubernetes_api_egress,
    allow_metrics_scrape,
    pods_of_namespaces,
    ports,
)
from common.settings import Delivery
from common.versions import Images
from game_app.cluster_addresses import BUILD_LABEL, DRONE, GITEA, HUNT, SETUP_METRICS_PORT
from game_app.ingress import Endpoint, expose
from game_app.master_key import given
from game_app.scm.gitea.app_ini import CONFIGURATION_FOLDER, GIT_SCRIPT, GiteaSettings, app_ini
from game_app.scm.gitea.gitea_accounts import gitea_keys, setup_plan
from game_app.scm.setup_container import SetupContainer, setup_account
from game_app.shared_secret import DRONE_OAUTH, PIPELINE_SIGNATURES
from game_app.source_control import DroneServer
from game_app.workload import (
    container,
    files_volume,
    http_probe,
    pod,
    scratch_volume,
    secret_volume,
    service,
    stateful_set,
)

PUSH_MIB: Final = 64
"""MiB of the largest push; Git sends all of a push in one request."""
_USER: Final = 1000
_PREPARE_SCRIPT: Final = Path(__file__).parent / "scripts" / "prepare.sh"
_MOUNTS: Final = {
    "data": "/var/lib/gitea",
    "configuration": CONFIGURATION_FOLDER,
    "keys": "/etc/gitea/secrets",
    "scratch": "/tmp",  # noqa: S108 - Gitea's own scratch folder
}
_QUOTA: Final = Quota(
    pods=2,
    cpu="4",
    memory="3Gi",
    storage="4Gi",
    container_cpu="2",
    container_memory="2Gi",
    container_storage="1Gi",
    volume_claims=1,
)


@dataclass(frozen=True, kw_only=True)
class GiteaArgs:
    """Arguments of Gitea."""

    settings: Delivery
    images: Images
    endpoint: Endpoint
    """Public address, for players."""
    teams: Mapping[str, Sequence[str]]
    """Name of each team's repository to the accounts of its players."""
    pipelines: Mapping[str, str]
    """Files of the guard, whose pipelines the set-up asks Drone to sign."""
    drone: DroneServer
    api: ApiServer
    """The cluster's own API, for the set-up."""


class Gitea(pulumi.ComponentResource):
    """Gitea with SQLite on a volume; in the same pod the set-up, which restores every minute what was changed by hand.

    The administrator's token is made anew with each pod, for the set-up alone.
    """

    url: pulumi.Output[str]
    """URL for players, known once Gitea is ready and its certificate is signed."""

    def __init__(self, name: str, args: GiteaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Gitea", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = self._namespace(name, args.api)
        setup = SetupContainer(
            image=args.images.python,
            source_control="gitea",
            plan=_plan(args),
            pipelines=args.pipelines,
            secrets={"application": DRONE_OAUTH, "signatures": PIPELINE_SIGNATURES},
        )
        spec = pod(
            [
                _server(args.images.gitea),
                setup.container(options=["--token=/token/token"], mounts={"token": "/token"}),
            ],
            init_containers=[_prepare(args.images.gitea)],
            volumes=[
                self._configuration(name, namespace, args),
                self._keys(name, namespace, args),
                *setup.volumes(name, namespace, child),
                scratch_volume("token", "1Mi"),
                scratch_volume("scratch", "256Mi"),
            ],
            user=_USER,
            service_account=setup_account(name, namespace, child),
            automount=False,
        )
        running = stateful_set(
            name, GITEA.app, namespace, spec, volume="data", size="10Gi", metrics_port=SETUP_METRICS_PORT, opts=child
        )
        # No value flows, but a Service counts as ready only once it has endpoints.
        after_pod = pulumi.ResourceOptions(parent=self, depends_on=[running])
        served = service(name, GITEA.app, namespace, GITEA.port, after_pod).metadata.name
        url = expose(name, GITEA.app, namespace, served, args.endpoint, body_mib=PUSH_MIB, opts=child)
        self.url = pulumi.Output.concat(url, "/")
        self.register_outputs({"url": self.url})

    def _namespace(self, name: str, api: ApiServer) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        builds = pods_of_namespaces("app.kubernetes.io/name", BUILD_LABEL)
        return SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=GITEA.namespace,
                app=GITEA.app,
                quota=_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    NetworkRule(
                        name="allow-drone",
                        egress=[{"to": [DRONE.pods], "ports": ports(DRONE.port)}],
                        ingress=[{"from_": [DRONE.pods], "ports": ports(GITEA.port)}],
                    ),
                    allow_kubernetes_api_egress(api),
                    allow_ingress_controller(),
                    allow_metrics_scrape(SETUP_METRICS_PORT),
                    allow_ingress("allow-hunt", HUNT.pods, GITEA.port),
                    allow_ingress("allow-builds", builds, GITEA.port),
                ],
            ),
            opts=child,
        ).name

    def _configuration(self, name: str, namespace: pulumi.Output[str], args: GiteaArgs) -> k8s.core.v1.VolumeArgs:
        ini = args.endpoint.url.apply(lambda url: app_ini(GiteaSettings(root_url=f"{url}/", drone_host=DRONE.host)))
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration",
            metadata={"name": "configuration", "namespace": namespace},
            data={"app.ini": ini, **{script.name: script.read_text() for script in (_PREPARE_SCRIPT, GIT_SCRIPT)}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return files_volume("configuration", config_map.metadata.name, mode=0o555)

    def _keys(self, name: str, namespace: pulumi.Output[str], args: GiteaArgs) -> k8s.core.v1.VolumeArgs:
        secret = k8s.core.v1.Secret(
            f"{name}-keys",
            metadata={"name": "keys", "namespace": namespace},
            string_data=given(args.settings.master_key).apply(gitea_keys),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret_volume("keys", secret.metadata.name)


def _plan(args: GiteaArgs) -> pulumi.Output[Mapping[str, object]]:
    known = pulumi.Output.all(given(args.settings.master_key), args.drone.public_url, args.drone.admin_token)
    return pulumi.Output.secret(
        known.apply(
            lambda values: setup_plan(
                components=args.settings.components,
                teams=args.teams,
                master_key=values[0],
                # Both containers share the pod's loopback.
                scm_url=f"http://127.0.0.1:{GITEA.port}",
                drone_url=DRONE.url,
                drone_public_url=values[1],
                drone_token=values[2],
            )
        )
    )


def _prepare(image: str) -> k8s.core.v1.ContainerArgs:
    """Init container: makes the database, the administrator and the administrator's token."""
    return container(
        "prepare",
        image,
        cpu="100m",
        memory="512Mi",
        command=["sh", f"{CONFIGURATION_FOLDER}/{_PREPARE_SCRIPT.name}"],
        env=[k8s.core.v1.EnvVarArgs(name="GITEA_CONFIG", value=f"{CONFIGURATION_FOLDER}/app.ini")],
        mounts={**_MOUNTS, "token": "/token"},
        writable=["data", "scratch", "token"],
    )


def _server(image: str) -> k8s.core.v1.ContainerArgs:
    return container(
        "gitea",
        image,
        cpu="200m",
        memory="1Gi",
        port=GITEA.port,
        command=["gitea", "--config", f"{CONFIGURATION_FOLDER}/app.ini", "web"],
        mounts=_MOUNTS,
        writable=["data", "scratch"],
        probe=http_probe("/api/healthz"),
    )

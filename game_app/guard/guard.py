"""Guard on the board: Deployment, Service and configuration of Drone's extensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import allow_ingress
from common.outputs import known_after
from game_app.cluster_addresses import DRONE, GUARD
from game_app.guard.signing_secrets import SigningSecrets
from game_app.service_files import PROGRAMS_FOLDER, service_command, service_files
from game_app.shared_secret import PIPELINE_SIGNATURES, SETUP_ACCOUNT, writable_secret
from game_app.workload import (
    container,
    deployment,
    files_volume,
    flat,
    folder_volume,
    http_probe,
    pod,
    secret_volume,
    selector,
    service,
)

_SIGNATURES: Final = PIPELINE_SIGNATURES.name
_FOLDERS: Final = ("pipelines", "secrets", _SIGNATURES)
"""Folders below /etc/guard, each named by an option of the program."""
_QUOTA: Final = Quota(
    pods=6,
    cpu="4",
    memory="1Gi",
    storage="2Gi",
    container_cpu="1",
    container_memory="128Mi",
    container_storage="256Mi",
)


@dataclass(frozen=True, kw_only=True)
class GuardArgs:
    """Arguments of the guard."""

    image: str
    """Image with Python."""
    pipelines: Mapping[str, str]
    """Catalogue of repositories and pipeline templates by file name (`pipelines.pipeline_files`)."""
    signing_secrets: SigningSecrets


class Guard(pulumi.ComponentResource):
    """The guard in a namespace of its own, which only Drone's server reaches and from which no connection leaves.

    The program is mounted from this project's files into Python's own image: no image of the guard has to be built by
    the very deployment that the guard protects, and what runs is what a reader of this project sees.
    """

    url: pulumi.Output[str]
    """URL inside the cluster, known once the guard is ready."""

    def __init__(self, name: str, args: GuardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Guard", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=GUARD.namespace,
                app=GUARD.app,
                quota=_QUOTA,
                network_rules=[
                    allow_ingress("allow-drone", DRONE.pods, GUARD.port),
                ],
            ),
            opts=child,
        ).name
        running = deployment(
            name,
            GUARD.app,
            namespace,
            _pod(args.image, self._volumes(name, namespace, args)),
            replicas=2,
            files={**service_files("guard"), **args.pipelines},
            opts=child,
        )
        k8s.policy.v1.PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata={"name": GUARD.app, "namespace": namespace},
            spec={"min_available": 1, "selector": {"match_labels": dict(selector(GUARD.app))}},
            opts=child,
        )
        # No value flows, but a Service counts as ready only once it has endpoints.
        after_pod = pulumi.ResourceOptions(parent=self, depends_on=[running])
        served = service(name, GUARD.app, namespace, GUARD.port, after_pod)
        self.url = known_after(GUARD.url, served.id)
        self.register_outputs({"url": self.url})

    def _volumes(self, name: str, namespace: pulumi.Output[str], args: GuardArgs) -> list[k8s.core.v1.VolumeArgs]:
        child = pulumi.ResourceOptions(parent=self)
        files = service_files("guard")
        program = k8s.core.v1.ConfigMap(
            f"{name}-program", metadata={"name": "program", "namespace": namespace}, data=flat(files), opts=child
        )
        pipelines = k8s.core.v1.ConfigMap(
            f"{name}-pipelines",
            metadata={"name": "pipelines", "namespace": namespace},
            data=dict(args.pipelines),
            opts=child,
        )
        secrets = k8s.core.v1.Secret(
            f"{name}-secrets",
            metadata={"name": "secrets", "namespace": namespace},
            string_data={
                "config": args.signing_secrets.config,
                "validate": args.signing_secrets.validate,
                "ended": args.signing_secrets.ended,
            },
            opts=child,
        )
        writable_secret(name, PIPELINE_SIGNATURES, namespace, writer=SETUP_ACCOUNT, opts=child)
        return [
            folder_volume("program", program.metadata.name, files),
            files_volume("pipelines", pipelines.metadata.name),
            secret_volume("secrets", secrets.metadata.name),
            # Drone makes the signatures once it knows the repositories; until then the guard serves no pipeline.
            secret_volume(_SIGNATURES, _SIGNATURES, optional=True),
        ]


def _pod(image: str, volumes: list[k8s.core.v1.VolumeArgs]) -> k8s.core.v1.PodSpecArgs:
    guard = container(
        "guard",
        image,
        cpu="50m",
        memory="64Mi",
        port=GUARD.port,
        args=[
            *(*service_command("guard"), f"--port={GUARD.port}"),
            *(f"--{folder}=/etc/guard/{folder}" for folder in _FOLDERS),
        ],
        mounts={"program": PROGRAMS_FOLDER, **{folder: f"/etc/guard/{folder}" for folder in _FOLDERS}},
        probe=http_probe("/healthz"),
        working_dir=PROGRAMS_FOLDER,
        # Each added team replaces the pods, and Gitea sends a webhook that was lost meanwhile no second time.
        pre_stop_seconds=5,
    )
    return pod([guard], volumes=volumes)

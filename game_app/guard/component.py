"""The guard on the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import allow_ingress, pods_of
from game_app.handover import handed_over
from game_app.workload import (
    container,
    deployment,
    files_volume,
    http_probe,
    pod,
    secret_volume,
    selector,
    service,
)

NAMESPACE: Final = "guard"
APP: Final = "guard"
PORT: Final = 3000
URL: Final = f"http://{APP}.{NAMESPACE}.svc.cluster.local:{PORT}"
SIGNATURES: Final = "signatures"
"""Secret that Drone's signatures of the pipelines arrive in."""
_SOURCE: Final = Path(__file__).parent / "service"
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
    """What the guard serves, and to whom."""

    image: str
    """Python's own."""
    files: Mapping[str, str]
    """The catalogue and its templates by name, as `pipelines.pipeline_files` gives them."""
    config_secret: pulumi.Input[str]
    """What requests to the configuration extension are signed with."""
    validate_secret: pulumi.Input[str]
    """What requests to the validation extension are signed with."""
    ended_secret: pulumi.Input[str]
    """What words of what became of a build are signed with."""
    setup: tuple[str, str]
    """Namespace and name of the account that brings Drone's signatures."""
    server_namespace: str
    server_app: str
    """Where Drone's server runs and how its pods are named: the one caller that there is."""


class Guard(pulumi.ComponentResource):
    """The guard in a namespace of its own, which only Drone's server reaches and which reaches nothing.

    Its program is this project's own few files, mounted into Python's own image: there is no image of the guard to be
    built by the very deployment that it guards, and what runs is what a reader of this project sees.
    """

    url: pulumi.Output[str]
    """Where it answers, known once it is ready."""

    def __init__(self, name: str, args: GuardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Guard", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        drone = pods_of(args.server_namespace, args.server_app)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=NAMESPACE, app=APP, quota=_QUOTA, network_rules=[allow_ingress("allow-drone", drone, PORT)]
            ),
            opts=child,
        ).name
        source = k8s.core.v1.ConfigMap(
            f"{name}-source", metadata={"name": "source", "namespace": namespace}, data=source_files(), opts=child
        )
        pipelines = k8s.core.v1.ConfigMap(
            f"{name}-pipelines",
            metadata={"name": "pipelines", "namespace": namespace},
            data=dict(args.files),
            opts=child,
        )
        secrets = k8s.core.v1.Secret(
            f"{name}-secrets",
            metadata={"name": "secrets", "namespace": namespace},
            string_data={
                "config": pulumi.Output.secret(args.config_secret),
                "validate": pulumi.Output.secret(args.validate_secret),
                "ended": pulumi.Output.secret(args.ended_secret),
            },
            opts=child,
        )
        handed_over(name, namespace, SIGNATURES, by=args.setup, opts=child)
        spec = pod(
            [
                container(
                    "guard",
                    args.image,
                    cpu="50m",
                    memory="64Mi",
                    port=PORT,
                    command=[
                        *("python", "-B", "-E", "-s", "-m", "guard", f"--port={PORT}"),
                        *(f"--{folder}=/etc/guard/{folder}" for folder in ("pipelines", "secrets", SIGNATURES)),
                    ],
                    mounts={
                        "source": "/srv/guard",
                        **{folder: f"/etc/guard/{folder}" for folder in ("pipelines", "secrets", SIGNATURES)},
                    },
                    probe=http_probe("/healthz"),
                    work_in="/srv",
                    # Each added team rolls it, and Gitea sends a webhook that was lost meanwhile no second time.
                    linger=5,
                )
            ],
            volumes=[
                files_volume("source", source.metadata.name),
                files_volume("pipelines", pipelines.metadata.name),
                secret_volume("secrets", secrets.metadata.name),
                # Drone makes the signatures once it knows the repositories; until then nothing is served.
                secret_volume(SIGNATURES, SIGNATURES, optional=True),
            ],
        )
        running = deployment(name, APP, namespace, spec, replicas=2, files={**source_files(), **args.files}, opts=child)
        k8s.policy.v1.PodDisruptionBudget(
            f"{name}-budget",
            metadata={"name": APP, "namespace": namespace},
            spec={"min_available": 1, "selector": {"match_labels": dict(selector(APP))}},
            opts=child,
        )
        # No value flows, but a Service counts as ready only once it has endpoints.
        door = service(name, APP, namespace, PORT, pulumi.ResourceOptions(parent=self, depends_on=[running]))
        self.url = door.id.apply(lambda _: URL)
        self.register_outputs({"url": self.url})


def source_files() -> Mapping[str, str]:
    """The files of the guard's program by name."""
    return {file.name: file.read_text() for file in sorted(_SOURCE.glob("*.py"))}

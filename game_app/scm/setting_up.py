"""The set-up's container: its program, the plan that it follows, and its account at the cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from game_app.workload import container, files_volume, flat, folder_volume, secret_volume

ACCOUNT: Final = "setup"
"""Service account of the set-up."""
_PROJECT: Final = Path(__file__).parents[2]
_PROGRAM: Final = ("game_app/guard/service", "game_app/scm/setup")


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """What the set-up does."""

    image: str
    """Python's own."""
    scm: str
    """Which source control it finds: `gitea` or `github`."""
    plan: pulumi.Input[Mapping[str, Any]]
    """What there should be (`setup.plan`), a secret."""
    pipelines: Mapping[str, str]
    """The guard's files, whose pipelines it has Drone sign."""
    secrets: Mapping[str, str]
    """What it hands over, to namespace/name of the Secret that takes it."""

    def container(self, *, options: Sequence[str] = (), mounts: Mapping[str, str]) -> k8s.core.v1.ContainerArgs:
        """Its container. mounts: what it needs beside its own volumes; options: what it is told beside its plan."""
        return container(
            "setup",
            self.image,
            cpu="20m",
            memory="128Mi",
            entrypoint=[
                *("python", "-B", "-E", "-s", "-m", "game_app.scm.setup", f"--scm={self.scm}"),
                *("--plan=/etc/setup/plan.json", "--pipelines=/etc/pipelines", *options),
                *(f"--secret={name}={place}" for name, place in self.secrets.items()),
            ],
            mounts={
                "program": "/srv",
                "plan": "/etc/setup",
                "pipelines": "/etc/pipelines",
                "account": "/var/run/secrets/kubernetes.io/serviceaccount",
                **mounts,
            },
            work_in="/srv",
        )

    def volumes(
        self, name: str, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> list[k8s.core.v1.VolumeArgs]:
        """The volumes of its container. name: prefix of the resources' names."""
        program = program_files()
        held = {
            files: k8s.core.v1.ConfigMap(
                f"{name}-{files}", metadata={"name": files, "namespace": namespace}, data=dict(data), opts=opts
            ).metadata.name
            for files, data in (("pipelines", self.pipelines), ("program", flat(program)))
        }
        plan = k8s.core.v1.Secret(
            f"{name}-plan",
            metadata={"name": "plan", "namespace": namespace},
            string_data=pulumi.Output.secret(self.plan).apply(lambda plan: {"plan.json": json.dumps(plan)}),
            opts=opts,
        )
        return [
            folder_volume("program", held["program"], program),
            files_volume("pipelines", held["pipelines"]),
            secret_volume("plan", plan.metadata.name),
            _account_volume(),
        ]


def account(name: str, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Name of its service account, which by itself may do nothing: those who wait for something let it in."""
    made = k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata={"name": ACCOUNT, "namespace": namespace},
        automount_service_account_token=False,
        opts=opts,
    )
    return made.metadata.name


def program_files() -> Mapping[str, str]:
    """The set-up's files by their path in this project."""
    return {
        str(file.relative_to(_PROJECT)): file.read_text()
        for folder in _PROGRAM
        for file in sorted((_PROJECT / folder).glob("*.py"))
    }


def _account_volume() -> k8s.core.v1.VolumeArgs:
    """Its account, for its container alone: what else runs in its pod has no business with the cluster."""
    core = k8s.core.v1
    return core.VolumeArgs(
        name="account",
        projected=core.ProjectedVolumeSourceArgs(
            sources=[
                core.VolumeProjectionArgs(
                    service_account_token=core.ServiceAccountTokenProjectionArgs(path="token", expiration_seconds=3600)
                ),
                core.VolumeProjectionArgs(
                    config_map=core.ConfigMapProjectionArgs(
                        name="kube-root-ca.crt", items=[core.KeyToPathArgs(key="ca.crt", path="ca.crt")]
                    )
                ),
            ]
        ),
    )

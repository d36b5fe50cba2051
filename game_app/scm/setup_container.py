"""Container of the source control's set-up: its program, plan and ServiceAccount."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from game_app.cluster_addresses import SETUP_METRICS_PORT
from game_app.service_files import PROGRAMS_FOLDER, service_command, service_files
from game_app.shared_secret import SETUP_ACCOUNT, ObjectName
from game_app.workload import container, files_volume, flat, folder_volume, secret_volume


@dataclass(frozen=True, kw_only=True)
class SetupContainer:
    """The set-up's container and its volumes, for a pod of either source control."""

    image: str
    """Image with Python."""
    source_control: str
    """`gitea` or `github`."""
    plan: pulumi.Input[Mapping[str, Any]]
    """Wanted accounts and repositories (`services.setup.setup_plan`), a secret."""
    pipelines: Mapping[str, str]
    """Files of the guard, whose pipelines Drone is asked to sign."""
    secrets: Mapping[str, ObjectName]
    """Secrets that the set-up writes, by the name of their content: `application` and `signatures`."""

    def container(self, *, options: Sequence[str] = (), mounts: Mapping[str, str]) -> k8s.core.v1.ContainerArgs:
        """The container. mounts: folders of volumes that the caller brings; options: further options of the program."""
        return container(
            "setup",
            self.image,
            cpu="20m",
            memory="128Mi",
            command=[
                *(*service_command("setup"), f"--scm={self.source_control}", f"--metrics-port={SETUP_METRICS_PORT}"),
                *("--plan=/etc/setup/plan.json", "--pipelines=/etc/pipelines", *options),
                *(f"--secret={content}={secret}" for content, secret in self.secrets.items()),
            ],
            mounts={
                "program": PROGRAMS_FOLDER,
                "plan": "/etc/setup",
                "pipelines": "/etc/pipelines",
                "account": "/var/run/secrets/kubernetes.io/serviceaccount",
                **mounts,
            },
            working_dir=PROGRAMS_FOLDER,
        )

    def volumes(
        self, name: str, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> list[k8s.core.v1.VolumeArgs]:
        """The container's volumes. name: prefix of the resources' names."""
        program = service_files("setup")
        maps = {
            called: k8s.core.v1.ConfigMap(
                f"{name}-{called}", metadata={"name": called, "namespace": namespace}, data=dict(data), opts=opts
            ).metadata.name
            for called, data in (("pipelines", self.pipelines), ("program", flat(program)))
        }
        plan = k8s.core.v1.Secret(
            f"{name}-plan",
            metadata={"name": "plan", "namespace": namespace},
            string_data=pulumi.Output.secret(self.plan).apply(lambda plan: {"plan.json": json.dumps(plan)}),
            opts=opts,
        )
        return [
            folder_volume("program", maps["program"], program),
            files_volume("pipelines", maps["pipelines"]),
            secret_volume("plan", plan.metadata.name),
            _account_volume(),
        ]


def setup_account(name: str, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Name of the set-up's ServiceAccount, to which each writable Secret grants a Role of its own."""
    made = k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata={"name": SETUP_ACCOUNT.name, "namespace": namespace},
        automount_service_account_token=False,
        opts=opts,
    )
    return made.metadata.name


def _account_volume() -> k8s.core.v1.VolumeArgs:
    """Token of the ServiceAccount for this container alone: no other container of the pod may have one."""
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

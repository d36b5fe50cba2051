"""Drone's PostgreSQL, with a dump of it every hour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.naming import labels
from game_app.workload import (
    claim,
    container,
    files_volume,
    pod,
    scratch_volume,
    secret_volume,
    service,
    stateful_set,
    template,
)

APP: Final = "postgres"
BACKUP_APP: Final = "postgres-backup"
PORT: Final = 5432
USER: Final = "drone"
_POSTGRES_USER: Final = 70
"""User of the Alpine image."""
_SCRIPTS: Final = Path(__file__).parent / "scripts"


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """What the database needs."""

    image: str
    namespace: pulumi.Input[str]
    password: pulumi.Input[str]
    size: str = "5Gi"
    """Of its volume, and of the volume with its dumps."""


class Database(pulumi.ComponentResource):
    """One PostgreSQL server with a volume, and a second volume with its last dumps."""

    address: pulumi.Output[str]
    """Host and port."""

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Database", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secret = k8s.core.v1.Secret(
            f"{name}-secret",
            metadata={"name": APP, "namespace": args.namespace},
            string_data={"password": pulumi.Output.secret(args.password)},
            opts=child,
        )
        running = self._server(name, args, secret.metadata.name)
        self._backup(name, args, secret.metadata.name)
        # No value flows, but a Service counts as ready only once it has endpoints.
        door = service(name, APP, args.namespace, PORT, pulumi.ResourceOptions(parent=self, depends_on=[running]))
        self.address = door.metadata.name.apply(lambda host: f"{host}:{PORT}")
        self.register_outputs({"address": self.address})

    def _server(self, name: str, args: DatabaseArgs, secret: pulumi.Input[str]) -> k8s.apps.v1.StatefulSet:
        core = k8s.core.v1
        spec = pod(
            [
                container(
                    "postgres",
                    args.image,
                    cpu="100m",
                    memory="512Mi",
                    port=PORT,
                    env=[
                        core.EnvVarArgs(name="POSTGRES_USER", value=USER),
                        core.EnvVarArgs(name="POSTGRES_PASSWORD_FILE", value="/etc/postgres/password"),
                        core.EnvVarArgs(name="PGDATA", value="/var/lib/postgresql/data/pgdata"),
                    ],
                    mounts={
                        "data": "/var/lib/postgresql/data",
                        "run": "/var/run/postgresql",
                        "scratch": "/tmp",  # noqa: S108 - the server's own scratch folder
                        "secret": "/etc/postgres",
                    },
                    writable=["data", "run", "scratch"],
                    probe=core.ProbeArgs(
                        exec_=core.ExecActionArgs(command=["pg_isready", "--username", USER]), period_seconds=5
                    ),
                )
            ],
            volumes=[secret_volume("secret", secret), scratch_volume("run", "16Mi"), scratch_volume("scratch", "64Mi")],
            user=_POSTGRES_USER,
        )
        return stateful_set(
            name,
            APP,
            args.namespace,
            spec,
            volume="data",
            size=args.size,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _backup(self, name: str, args: DatabaseArgs, secret: pulumi.Input[str]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        dumps = k8s.core.v1.PersistentVolumeClaim(
            f"{name}-dumps",
            metadata={
                "name": "dumps",
                "namespace": args.namespace,
                # Its volume is bound when the first dump is made: there is nothing to wait for before.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=claim(args.size),
            opts=child,
        )
        scripts = k8s.core.v1.ConfigMap(
            f"{name}-scripts",
            metadata={"name": "postgres-scripts", "namespace": args.namespace},
            data={file.name: file.read_text() for file in sorted(_SCRIPTS.glob("*.sh"))},
            opts=child,
        )
        spec = pod(
            [
                container(
                    "dump",
                    args.image,
                    cpu="50m",
                    memory="256Mi",
                    command=["sh", "/scripts/dump.sh"],
                    env=[
                        k8s.core.v1.EnvVarArgs(name="PGHOST", value=APP),
                        k8s.core.v1.EnvVarArgs(name="PGUSER", value=USER),
                    ],
                    mounts={"dumps": "/dumps", "scripts": "/scripts", "secret": "/etc/postgres"},
                    writable=["dumps"],
                )
            ],
            volumes=[
                k8s.core.v1.VolumeArgs(
                    name="dumps",
                    persistent_volume_claim=k8s.core.v1.PersistentVolumeClaimVolumeSourceArgs(
                        claim_name=dumps.metadata.name
                    ),
                ),
                files_volume("scripts", scripts.metadata.name),
                secret_volume("secret", secret),
            ],
            user=_POSTGRES_USER,
            once=True,
        )
        batch = k8s.batch.v1
        batch.CronJob(
            f"{name}-backup",
            metadata={"name": BACKUP_APP, "namespace": args.namespace, "labels": dict(labels(BACKUP_APP))},
            spec=batch.CronJobSpecArgs(
                schedule="17 * * * *",
                concurrency_policy="Forbid",
                job_template=batch.JobTemplateSpecArgs(
                    spec=batch.JobSpecArgs(
                        backoff_limit=2, active_deadline_seconds=600, template=template(BACKUP_APP, spec)
                    )
                ),
            ),
            opts=child,
        )

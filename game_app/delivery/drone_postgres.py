"""PostgreSQL of Drone, with an hourly dump."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.naming import labels
from common.settings import Delivery
from game_app.cluster_addresses import POSTGRES
from game_app.delivery.drone_secrets import database_password
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

BACKUP_APP: Final = "postgres-backup"
USER: Final = "drone"
_POSTGRES_USER: Final = 70
"""User of the server in the Alpine image."""
_SCRIPTS: Final = Path(__file__).parent / "scripts"


@dataclass(frozen=True, kw_only=True)
class PostgresArgs:
    """Arguments of the database."""

    settings: Delivery
    image: str
    namespace: pulumi.Input[str]
    size: str = "5Gi"
    """Size of the data's volume, and of the dumps' volume."""


class Postgres(pulumi.ComponentResource):
    """PostgreSQL server with a volume, and a CronJob that dumps the database onto a second volume."""

    address: pulumi.Output[str]
    """Host and port, known once the server is ready."""

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Postgres", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secret = k8s.core.v1.Secret(
            f"{name}-secret",
            metadata={"name": POSTGRES.app, "namespace": args.namespace},
            string_data={"password": database_password(args.settings)},
            opts=child,
        )
        running = self._server(name, args, secret.metadata.name)
        self._backup(name, args, secret.metadata.name)
        # No value flows, but a Service counts as ready only once it has endpoints.
        after_pod = pulumi.ResourceOptions(parent=self, depends_on=[running])
        served = service(name, POSTGRES.app, args.namespace, POSTGRES.port, after_pod)
        self.address = served.metadata.name.apply(lambda host: f"{host}:{POSTGRES.port}")
        self.register_outputs({"address": self.address})

    def _server(self, name: str, args: PostgresArgs, secret: pulumi.Input[str]) -> k8s.apps.v1.StatefulSet:
        core = k8s.core.v1
        spec = pod(
            [
                container(
                    "postgres",
                    args.image,
                    cpu="100m",
                    memory="512Mi",
                    port=POSTGRES.port,
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
            POSTGRES.app,
            args.namespace,
            spec,
            volume="data",
            size=args.size,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _backup(self, name: str, args: PostgresArgs, secret: pulumi.Input[str]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        dumps = k8s.core.v1.PersistentVolumeClaim(
            f"{name}-dumps",
            metadata={
                "name": "dumps",
                "namespace": args.namespace,
                # The claim is bound when the first dump's pod starts: there is nothing to wait for before.
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
                    args=["sh", "/scripts/dump.sh"],
                    env=[
                        k8s.core.v1.EnvVarArgs(name="PGHOST", value=POSTGRES.app),
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
            restart=False,
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

"""Loki, by its community chart: keeps the logs, behind a gateway that asks for a password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from common.helm import Charts
from common.settings import Logs
from observability.flows import CHUNK_MB
from observability.secrets import secret
from observability.sizing import resources

USER = "shambhala"
"""Name under which logs are written and read."""
PLATFORM, TEAMS = "platform", "teams"
"""Loki's tenants: what a team writes can neither use up the platform's allowance nor hide among its lines."""
TENANTS: Sequence[str] = (PLATFORM, TEAMS)
GATEWAY = "loki-gateway"


@dataclass(frozen=True, kw_only=True)
class LokiArgs:
    """What Loki needs."""

    charts: Charts
    namespace: pulumi.Input[str]
    password: pulumi.Input[str]
    """Password of the user `shambhala` at the gateway."""
    logs: Logs
    """How long logs are kept, and where."""
    players: int
    dns_ip: pulumi.Input[str]
    """IPv4 address inside the board at which its name server answers."""


class Loki(pulumi.ComponentResource):
    """One binary with its volume, behind its gateway."""

    url: pulumi.Output[str]
    """Where the gateway answers inside the board, known once Loki is ready."""

    def __init__(self, name: str, args: LokiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Loki", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        users = secret(
            f"{name}-users",
            args.namespace,
            # Hashing it would win nothing: those who write and read have it in Secrets of the same kind.
            {".htpasswd": pulumi.Output.concat(USER, ":{PLAIN}", args.password, "\n")},
            child,
        )
        storage = args.logs.object_storage
        keys = storage and secret(
            f"{name}-object-storage",
            args.namespace,
            {"AWS_ACCESS_KEY_ID": storage.access_key.output, "AWS_SECRET_ACCESS_KEY": storage.secret_key.output},
            child,
        )
        release = args.charts.release(
            "loki",
            name=f"{name}-release",
            namespace=args.namespace,
            values=loki_values(args.logs, args.players, args.dns_ip, users, keys),
            opts=child,
        )
        self.url = pulumi.Output.all(args.namespace, release.id).apply(
            lambda values: f"http://{GATEWAY}.{values[0]}.svc.cluster.local"
        )
        self.register_outputs({"url": self.url})


def loki_values(
    logs: Logs,
    players: int,
    dns_ip: pulumi.Input[str],
    users_secret: pulumi.Input[str],
    storage_secret: pulumi.Input[str] | None = None,
) -> Mapping[str, Any]:
    """Values of the chart `loki`.

    dns_ip: where the gateway asks for names.
    users_secret, storage_secret: names of the Secrets with the gateway's users and the object storage's keys.
    """
    return {
        "deploymentMode": "Monolithic",
        "loki": {
            # A tenant for each request: the gateway says who may ask, the header what for.
            "auth_enabled": True,
            # Of three copies of a new line, one may be lost with its pod.
            "commonConfig": {"path_prefix": "/var/loki", "replication_factor": 3 if logs.replicas > 1 else 1},
            "schemaConfig": {
                "configs": [
                    {
                        "from": "2026-11-01",
                        "store": "tsdb",
                        "object_store": "s3" if logs.object_storage else "filesystem",
                        "schema": "v13",
                        "index": {"prefix": "index_", "period": "24h"},
                    }
                ]
            },
            "storage": _storage(logs),
            "limits_config": limits(logs),
            "runtimeConfig": {"overrides": {TEAMS: team_limits(players)}},
            "compactor": {
                "retention_enabled": True,
                "delete_request_store": "s3" if logs.object_storage else "filesystem",
            },
            # Grafana asks for the lines of both tenants at once.
            "querier": {"multi_tenant_queries_enabled": True},
            # Half of a chunk's greatest age is how far behind its stream's newest line a line may come: what Fluentd
            # kept for an hour is taken after what others wrote meanwhile. The log of writes holds what is not flushed.
            "ingester": {"chunk_idle_period": "15m", "max_chunk_age": "2h", "wal": {"flush_on_shutdown": True}},
        },
        "singleBinary": {
            "replicas": logs.replicas,
            "extraArgs": ["-config.expand-env=true"],
            "extraEnvFrom": [{"secretRef": {"name": storage_secret}}] if storage_secret else [],
            "persistence": {"enabled": True, "size": f"{logs.volume_size_gb}G"},
            # A StatefulSet's claims cannot be changed. Before an upgrade to another size this Job enlarges the volumes,
            # and takes the StatefulSet away from above its pods; a smaller size it is refused.
            "statefulSetRecreateJob": {"enabled": True},
            "resources": resources("loki", players, cpu="100m"),
        },
        "gateway": {
            "enabled": True,
            "verboseLogging": False,
            "basicAuth": {"enabled": True, "existingSecret": users_secret},
            "nginxConfig": {
                # By default the Service kube-dns; Kapsule's is called coredns, and nginx ends where it finds none.
                "resolver": dns_ip,
                # Of what is refused for its size or its password Fluentd throws a whole chunk away; it tries again only
                # after 429 and 5xx. By default no more than 4 MB pass.
                "clientMaxBodySize": f"{8 * CHUNK_MB}M",
                # While a password changes, the one of the two that has the old one waits.
                "serverSnippet": "error_page 401 =503 @later; location @later { return 503; }",
            },
            # By default no two may be on one node: where there is one node, a new pod waits for ever for the old to go.
            "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}},
            # Nobody asks for the gateway's own numbers.
            "metrics": {"enabled": False},
            "resources": resources("loki-gateway", players, cpu="10m"),
        },
        "backend": {"replicas": 0},
        "read": {"replicas": 0},
        "write": {"replicas": 0},
        # By default these caches take 9 GiB of memory.
        "chunksCache": {"enabled": False},
        "resultsCache": {"enabled": False},
        "lokiCanary": {"enabled": False},
        "test": {"enabled": False},
        # Rules for Loki's own alerts, of which there are none: it would read every ConfigMap and Secret of the board.
        "sidecar": {"rules": {"enabled": False}},
    }


def limits(logs: Logs) -> Mapping[str, Any]:
    """What each tenant may do; source: https://grafana.com/docs/loki/latest/configure/#limits_config."""
    return {
        "retention_period": f"{24 * logs.retention_days}h",
        # What Fluentd kept during an outage is older than what others write, and must not be refused.
        "reject_old_samples": True,
        "reject_old_samples_max_age": "24h",
        "ingestion_rate_mb": 16,
        "ingestion_burst_size_mb": 32,
        "per_stream_rate_limit": "3MB",
        "per_stream_rate_limit_burst": "15MB",
        "max_label_names_per_series": 8,
        "max_global_streams_per_user": 5000,
        "max_line_size": "64KB",
        "max_line_size_truncate": True,
        "max_query_series": 500,
        "query_timeout": "60s",
        "discover_service_name": [],
        "volume_enabled": True,
    }


def team_limits(players: int) -> Mapping[str, Any]:
    """What all teams together may write: some lines a second each, and not the whole of Loki."""
    return {"ingestion_rate_mb": max(2, players // 100), "ingestion_burst_size_mb": max(8, players // 25)}


def _storage(logs: Logs) -> Mapping[str, Any]:
    if logs.object_storage is None:
        return {"type": "filesystem"}
    storage = logs.object_storage
    return {
        "type": "s3",
        "bucketNames": {"chunks": storage.bucket, "ruler": storage.bucket},
        "s3": {
            "endpoint": storage.endpoint,
            "region": storage.region,
            # Loki puts the environment's values in their place, so that no ConfigMap has them.
            "accessKeyId": "${AWS_ACCESS_KEY_ID}",
            "secretAccessKey": "${AWS_SECRET_ACCESS_KEY}",
        },
    }

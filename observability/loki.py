"""Loki by its community chart: store of the logs, behind a gateway with a password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from common.helm import Charts
from common.settings import Logs, Observability
from observability.flows import CHUNK_MB
from observability.immutable_secret import immutable_secret
from observability.sizing import resources

USER = "shambhala"
"""User at the gateway who writes and reads logs."""
PLATFORM, TEAMS = "platform", "teams"
"""Loki's tenants: logs of teams can neither use up the platform's limits nor hide among the platform's lines."""
TENANTS: Sequence[str] = (PLATFORM, TEAMS)
GATEWAY = "loki-gateway"


@dataclass(frozen=True, kw_only=True)
class LokiArgs:
    """Settings of observability, and outputs of the board."""

    settings: Observability
    charts: Charts
    namespace: pulumi.Input[str]
    dns_ip: pulumi.Input[str]
    """IPv4 address of the cluster's name server, inside the cluster."""


class Loki(pulumi.ComponentResource):
    """Loki as a single binary with a volume for each replica, and the gateway before it."""

    url: pulumi.Output[str]
    """URL of the gateway inside the cluster, known once Loki is ready."""

    def __init__(self, name: str, args: LokiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Loki", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        users = immutable_secret(
            f"{name}-users",
            args.namespace,
            # A hash would win nothing: writers and readers have the password in Secrets of the same kind.
            {".htpasswd": pulumi.Output.concat(USER, ":{PLAIN}", args.settings.loki_password.output, "\n")},
            child,
        )
        storage = args.settings.logs.object_storage
        keys = storage and immutable_secret(
            f"{name}-object-storage",
            args.namespace,
            {"AWS_ACCESS_KEY_ID": storage.access_key.output, "AWS_SECRET_ACCESS_KEY": storage.secret_key.output},
            child,
        )
        release = args.charts.release(
            "loki",
            name=f"{name}-release",
            namespace=args.namespace,
            values=loki_values(args.settings, args.dns_ip, users, keys),
            opts=child,
        )
        self.url = pulumi.Output.all(args.namespace, release.id).apply(
            lambda values: f"http://{GATEWAY}.{values[0]}.svc.cluster.local"
        )
        self.register_outputs({"url": self.url})


def loki_values(
    settings: Observability,
    dns_ip: pulumi.Input[str],
    users_secret: pulumi.Input[str],
    storage_secret: pulumi.Input[str] | None = None,
) -> Mapping[str, Any]:
    """Values of the chart `loki`.

    dns_ip: the gateway's name server.
    users_secret, storage_secret: names of the Secrets with the gateway's users and the object storage's keys.
    """
    logs, players = settings.logs, settings.players
    return {
        "deploymentMode": "Monolithic",
        "loki": {
            # Each request names its tenant in a header; the gateway checks the password.
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
            # Grafana queries both tenants at once.
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
            # Nothing scrapes the gateway.
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
    """Limits of each tenant; source: https://grafana.com/docs/loki/latest/configure/#limits_config."""
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
    """Limits of all teams together: some lines a second each, and not the whole of Loki."""
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
            # Loki expands them from the environment, so that no ConfigMap has the keys.
            "accessKeyId": "${AWS_ACCESS_KEY_ID}",
            "secretAccessKey": "${AWS_SECRET_ACCESS_KEY}",
        },
    }

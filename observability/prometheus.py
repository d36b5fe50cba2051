"""Prometheus by its community chart: store of metrics, with the alerting rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import pulumi
import yaml

from common.helm import Charts
from common.settings import USABLE_PERCENT, Observability
from observability.sizing import resources

_FILES = Path(__file__).parent / "metrics"
_MEBIBYTE: Final = 2**20
"""Bytes of Prometheus' unit MB, as prometheus.io/docs/prometheus/latest/storage/ says; a volume's GB has 10^9 bytes."""
_CHART_JOBS = (
    "prometheus",
    "kubernetes-api-servers",
    "kubernetes-nodes",
    "kubernetes-nodes-cadvisor",
    "kubernetes-service-endpoints",
    "kubernetes-service-endpoints-slow",
    "prometheus-pushgateway",
    "kubernetes-services",
    "kubernetes-pods",
    "kubernetes-pods-slow",
)
"""Scrape jobs of the chart's defaults, which read every pod and node of the cluster."""


@dataclass(frozen=True, kw_only=True)
class PrometheusArgs:
    """Settings of observability, and addresses of the game master and of Alertmanager."""

    settings: Observability
    charts: Charts
    namespace: pulumi.Input[str]
    game_master_ip: pulumi.Input[str]
    """IPv4 address of the game master in its private network."""
    alertmanager: pulumi.Input[str] | None
    """HOST:PORT of Alertmanager; None where alerts are only shown."""


class Prometheus(pulumi.ComponentResource):
    """Prometheus as one server with a volume, and kube-state-metrics."""

    url: pulumi.Output[str]
    """URL of Prometheus inside the cluster, known once Prometheus is ready."""

    def __init__(self, name: str, args: PrometheusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Prometheus", name, None, opts)
        release = args.charts.release(
            "prometheus",
            name=f"{name}-release",
            namespace=args.namespace,
            values=prometheus_values(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = pulumi.Output.all(args.namespace, release.id).apply(
            lambda values: f"http://prometheus-server.{values[0]}.svc.cluster.local"
        )
        self.register_outputs({"url": self.url})


def prometheus_values(args: PrometheusArgs) -> Mapping[str, Any]:
    """Values of the chart `prometheus`."""
    metrics, players = args.settings.metrics, args.settings.players
    targets = [{"static_configs": [{"targets": [args.alertmanager]}]}] if args.alertmanager else None
    exporter = pulumi.Output.from_input(args.game_master_ip).apply(lambda ip: [f"{ip}:{EXPORTER_PORT}"] if ip else [])
    return {
        "server": {
            "global": {"scrape_interval": "30s", "scrape_timeout": "10s", "evaluation_interval": "30s"},
            "retention": f"{metrics.retention_days}d",
            # Whatever the settings say of days, the volume does not overflow.
            "retentionSize": f"{metrics.volume_size_gb * 10**9 * USABLE_PERCENT // 100 // _MEBIBYTE}MB",
            "persistentVolume": {"enabled": True, "size": f"{metrics.volume_size_gb}G"},
            "strategy": {"type": "Recreate"},
            "resources": resources("prometheus", players, cpu="100m"),
        },
        "scrapeConfigs": {job: {"enabled": False} for job in _CHART_JOBS},
        "serverFiles": {
            "prometheus.yml": {
                "rule_files": ["/etc/config/alerting_rules.yml"],
                **({"alerting": {"alertmanagers": targets}} if targets else {}),
                **scraping(exporter),
            },
            "alerting_rules.yml": alerts(args.settings.stuck_after_minutes),
        },
        "kube-state-metrics": {
            "enabled": True,
            "resources": resources("kube-state-metrics", players, cpu="10m"),
            "collectors": list(COLLECTORS),
        },
        # The kubelet has the metrics of nodes; Alertmanager is a component of its own, where the settings want one.
        "prometheus-node-exporter": {"enabled": False},
        "prometheus-pushgateway": {"enabled": False},
        "alertmanager": {"enabled": False},
    }


EXPORTER_PORT: Final = 9100
"""Port of prometheus-node-exporter on the game master."""
STUCK: Final = "hunt_stuck_after_minutes"
COLLECTORS = (
    "daemonsets",
    "deployments",
    "jobs",
    "nodes",
    "persistentvolumeclaims",
    "pods",
    "resourcequotas",
    "statefulsets",
)
"""Kinds that kube-state-metrics exports; no panel shows the others, and they would fill Prometheus."""


def scraping(game_master: pulumi.Input[Sequence[str]]) -> Mapping[str, Any]:
    """Scrape configuration of Prometheus. game_master: HOST:PORT of the game master's exporter, or nothing."""
    found = _read("scrape.yaml")
    job = {**_read("gamemaster.yaml"), "static_configs": [{"targets": game_master}]}
    return {**found, "scrape_configs": [*found["scrape_configs"], job]}


def alerts(stuck_after_minutes: int) -> Mapping[str, Any]:
    """Alerting rules, and a recording rule for the bound that a setting draws, so that dashboards show the same."""
    bound = {"record": STUCK, "expr": str(stuck_after_minutes)}
    [group] = _read("alerts.yaml")["groups"]
    return {"groups": [{**group, "rules": [bound, *group["rules"]]}]}


def _read(file: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", yaml.safe_load((_FILES / file).read_text()))

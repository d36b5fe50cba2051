"""Prometheus, by its community chart: keeps the numbers, and watches them for what must not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import pulumi
import yaml

from common.helm import Charts
from common.settings import USABLE_PERCENT, Metrics
from observability.sizing import resources

_FILES = Path(__file__).parent / "metrics"
_MEBIBYTE: Final = 2**20
"""What Prometheus calls MB, as prometheus.io/docs/prometheus/latest/storage/ says; a volume's GB has 10^9 bytes."""
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
"""What the chart would scrape by default: everything, of everybody."""


@dataclass(frozen=True, kw_only=True)
class PrometheusArgs:
    """What Prometheus needs."""

    charts: Charts
    namespace: pulumi.Input[str]
    metrics: Metrics
    """How long they are kept."""
    players: int
    stuck_after_minutes: int
    """Minutes without a passed step after which a team counts as stuck."""
    alertmanager: pulumi.Input[str] | None
    """HOST:PORT of what tells people of alerts; None where they are only shown."""


class Prometheus(pulumi.ComponentResource):
    """One server with its volume, and kube-state-metrics beside it."""

    url: pulumi.Output[str]
    """Where it answers inside the board, known once it is ready."""

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
    metrics, players = args.metrics, args.players
    told = {"alertmanagers": [{"static_configs": [{"targets": [args.alertmanager]}]}]} if args.alertmanager else None
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
                **({"alerting": told} if told else {}),
                **scraping(),
            },
            "alerting_rules.yml": alerts(args.stuck_after_minutes),
        },
        "kube-state-metrics": {
            "enabled": True,
            "resources": resources("kube-state-metrics", players, cpu="10m"),
            "collectors": list(COLLECTORS),
        },
        # The kubelet tells what is needed of nodes; observability/alertmanager.py tells people, where that is wanted.
        "prometheus-node-exporter": {"enabled": False},
        "prometheus-pushgateway": {"enabled": False},
        "alertmanager": {"enabled": False},
    }


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
"""Kinds of which kube-state-metrics tells; the others would fill Prometheus without a panel that shows them."""


def scraping() -> Mapping[str, Any]:
    """The part of Prometheus' configuration that says what it asks."""
    return _read("scrape.yaml")


def alerts(stuck_after_minutes: int) -> Mapping[str, Any]:
    """The alerting rules, and as a metric the bound that a setting draws, so that dashboards draw the same."""
    bound = {"record": STUCK, "expr": str(stuck_after_minutes)}
    [group] = _read("alerts.yaml")["groups"]
    return {"groups": [{**group, "rules": [bound, *group["rules"]]}]}


def _read(file: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", yaml.safe_load((_FILES / file).read_text()))

"""Observability of the active board: Prometheus, Loki, Grafana, Alertmanager and the log pipeline."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from common.active_board import ActiveBoard
from common.helm import Charts
from common.namespaces import SecureNamespace, SecureNamespaceArgs
from common.naming import OBSERVABILITY_NAMESPACE
from common.outputs import known_after
from common.settings import GRAFANA, Settings
from observability import sizing
from observability.alertmanager import Alertmanager, AlertmanagerArgs
from observability.grafana import Grafana, GrafanaArgs
from observability.log_pipeline import LogPipeline, LogPipelineArgs
from observability.loki import Loki, LokiArgs
from observability.network_rules import network_rules
from observability.prometheus import Prometheus, PrometheusArgs


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """Settings of the environment, and outputs of the active board and of the game master."""

    settings: Settings
    charts: Charts
    board: ActiveBoard
    game_master_ip: pulumi.Input[str]
    """IPv4 address of the game master in its private network; empty where Scaleway names none."""


class Observability(pulumi.ComponentResource):
    """Metrics and logs of everything on the board, dashboards and alerts."""

    grafana_url: pulumi.Output[str]
    address: pulumi.Output[str]
    """Address (IPv4) of Grafana's DNS record, known once Grafana is served there."""
    loki_url: pulumi.Output[str]
    """URL of Loki's gateway inside the cluster."""

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Observability", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        own, board, images = args.settings.observability, args.board, args.settings.images
        parts = dict.fromkeys(("prometheus", "loki-gateway", "grafana", "kube-state-metrics", "alertmanager"), 1)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=OBSERVABILITY_NAMESPACE,
                app=OBSERVABILITY_NAMESPACE,
                pod_security="baseline",
                # Prometheus, Grafana and each Loki have a volume.
                quota=sizing.quota(
                    {**parts, "loki": own.logs.replicas}, own.players, volume_claims=2 + own.logs.replicas
                ),
                network_rules=network_rules(args.settings, board.api),
            ),
            opts=child,
        ).name
        loki = Loki(
            f"{name}-loki",
            LokiArgs(
                settings=own,
                charts=args.charts,
                namespace=namespace,
                dns_ip=board.dns_ip,
            ),
            opts=child,
        )
        alertmanager = own.notify and Alertmanager(
            f"{name}-alertmanager",
            AlertmanagerArgs(
                image=images.alertmanager,
                namespace=namespace,
                notify=own.notify,
                players=own.players,
            ),
            opts=child,
        )
        prometheus = Prometheus(
            f"{name}-prometheus",
            PrometheusArgs(
                settings=own,
                charts=args.charts,
                namespace=namespace,
                game_master_ip=args.game_master_ip,
                alertmanager=alertmanager.address if alertmanager else None,
            ),
            opts=child,
        )
        LogPipeline(
            f"{name}-logs",
            LogPipelineArgs(
                settings=own,
                charts=args.charts,
                kubectl=images.kubectl,
                loki_url=loki.url,
                nodes=sum(pool.max_size for pool in args.settings.board.pools.values()),
                api=board.api,
            ),
            opts=child,
        )
        grafana = Grafana(
            f"{name}-grafana",
            GrafanaArgs(
                settings=args.settings,
                charts=args.charts,
                namespace=namespace,
                host=args.settings.fqdn(GRAFANA),
                ingress_class=board.ingress_class,
                cluster_issuer=board.cluster_issuer,
                loki_url=loki.url,
                prometheus_url=prometheus.url,
            ),
            opts=child,
        )
        self.grafana_url = grafana.url
        self.address = known_after(board.ingress_ip, grafana.url)
        self.loki_url = loki.url
        self.register_outputs({"grafana_url": self.grafana_url, "address": self.address, "loki_url": self.loki_url})

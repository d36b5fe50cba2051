"""Observability of the active board: Prometheus, Loki, Grafana, Alertmanager and the log pipeline."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from common.helm import Charts
from common.kubernetes_api import ApiServer
from common.namespaces import SecureNamespace, SecureNamespaceArgs
from common.naming import OBSERVABILITY_NAMESPACE
from common.outputs import known_after
from common.settings import Observability as ObservabilitySettings
from common.versions import Images
from observability import sizing
from observability.alertmanager import Alertmanager, AlertmanagerArgs
from observability.grafana import Grafana, GrafanaArgs
from observability.log_pipeline import LogPipeline, LogPipelineArgs
from observability.loki import Loki, LokiArgs
from observability.network_rules import network_rules
from observability.prometheus import Prometheus, PrometheusArgs


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """Settings of observability, and outputs of the board."""

    settings: ObservabilitySettings
    charts: Charts
    images: Images
    nodes: int
    """Most nodes that the board may have, each of which runs an agent."""
    grafana_host: pulumi.Input[str]
    """DNS name of Grafana."""
    rancher_url: str | None = None
    """Rancher's URL for operators, who may sign in there; None without Rancher."""
    address: pulumi.Input[str]
    """Public IPv4 address of the board's Ingresses."""
    ingress_class: pulumi.Input[str]
    cluster_issuer: pulumi.Input[str] | None = None
    """ClusterIssuer of Grafana's certificate; None for plain HTTP."""
    dns_ip: pulumi.Input[str]
    """IPv4 address of the cluster's name server, inside the cluster."""
    api: ApiServer
    """The board's own Kubernetes API, as pods reach it."""


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
        own = args.settings
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
                network_rules=network_rules(own, args.rancher_url, args.api),
            ),
            opts=child,
        ).name
        loki = Loki(
            f"{name}-loki",
            LokiArgs(
                settings=own,
                charts=args.charts,
                namespace=namespace,
                dns_ip=args.dns_ip,
            ),
            opts=child,
        )
        alertmanager = own.notify and Alertmanager(
            f"{name}-alertmanager",
            AlertmanagerArgs(
                image=args.images.alertmanager,
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
                alertmanager=alertmanager.address if alertmanager else None,
            ),
            opts=child,
        )
        LogPipeline(
            f"{name}-logs",
            LogPipelineArgs(
                settings=own,
                charts=args.charts,
                kubectl=args.images.kubectl,
                loki_url=loki.url,
                nodes=args.nodes,
                api=args.api,
            ),
            opts=child,
        )
        grafana = Grafana(
            f"{name}-grafana",
            GrafanaArgs(
                settings=own,
                charts=args.charts,
                namespace=namespace,
                host=args.grafana_host,
                ingress_class=args.ingress_class,
                cluster_issuer=args.cluster_issuer,
                loki_url=loki.url,
                prometheus_url=prometheus.url,
                rancher_url=args.rancher_url,
            ),
            opts=child,
        )
        self.grafana_url = grafana.url
        self.address = known_after(args.address, grafana.url)
        self.loki_url = loki.url
        self.register_outputs({"grafana_url": self.grafana_url, "address": self.address, "loki_url": self.loki_url})

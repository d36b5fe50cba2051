"""Observability as a whole, on the active board."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from common.helm import Charts
from common.kubernetes_api import ApiServer
from common.namespaces import SecureNamespace, SecureNamespaceArgs
from common.naming import OBSERVABILITY_NAMESPACE
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
    """What observability needs of the rest."""

    charts: Charts
    images: Images
    settings: ObservabilitySettings
    nodes: int
    """The most that the board may have, each of which runs an agent."""
    grafana_host: pulumi.Input[str]
    """Full name at which Grafana is exposed."""
    ingress_class: pulumi.Input[str]
    rancher_url: str | None = None
    """Where operators reach Rancher, through which they may sign in; None where there is none."""
    cluster_issuer: pulumi.Input[str] | None = None
    """cert-manager's issuer of Grafana's certificate; None where the board has none."""
    address: pulumi.Input[str]
    """Public IPv4 address of the board's ingress."""
    dns_ip: pulumi.Input[str]
    """IPv4 address inside the board at which its name server answers."""
    api: ApiServer
    """The board's own Kubernetes API, as pods reach it."""


class Observability(pulumi.ComponentResource):
    """Numbers and lines of everything on the board, and the pages that show them."""

    grafana_url: pulumi.Output[str]
    address: pulumi.Output[str]
    """Where Grafana's name is to lead, known once it is served there."""
    loki_url: pulumi.Output[str]
    """Where Loki's gateway answers inside the board."""

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
                charts=args.charts,
                namespace=namespace,
                password=own.loki_password.output,
                logs=own.logs,
                players=own.players,
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
                charts=args.charts,
                namespace=namespace,
                metrics=own.metrics,
                players=own.players,
                stuck_after_minutes=own.stuck_after_minutes,
                alertmanager=alertmanager.address if alertmanager else None,
            ),
            opts=child,
        )
        LogPipeline(
            f"{name}-logs",
            LogPipelineArgs(
                charts=args.charts,
                kubectl=args.images.kubectl,
                loki_url=loki.url,
                loki_password=own.loki_password.output,
                players=own.players,
                nodes=args.nodes,
                api=args.api,
            ),
            opts=child,
        )
        grafana = Grafana(
            f"{name}-grafana",
            GrafanaArgs(
                charts=args.charts,
                namespace=namespace,
                host=args.grafana_host,
                admin_password=own.grafana_admin_password.output,
                ingress_class=args.ingress_class,
                cluster_issuer=args.cluster_issuer,
                loki_url=loki.url,
                loki_password=own.loki_password.output,
                prometheus_url=prometheus.url,
                sign_in=own.sign_in,
                rancher_url=args.rancher_url,
                players=own.players,
            ),
            opts=child,
        )
        self.grafana_url = grafana.url
        self.address = pulumi.Output.all(args.address, grafana.url).apply(lambda known: str(known[0]))
        self.loki_url = loki.url
        self.register_outputs({"grafana_url": self.grafana_url, "address": self.address, "loki_url": self.loki_url})

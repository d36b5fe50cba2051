"""Observability as a whole, on the active board."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from common.fences import OBSERVABILITY
from common.helm import Charts
from common.naming import baseline_namespace
from common.settings import Observability as ObservabilitySettings
from common.versions import Images
from observability.alertmanager import Alertmanager, AlertmanagerArgs
from observability.grafana import Grafana, GrafanaArgs
from observability.log_pipeline import LogPipeline, LogPipelineArgs
from observability.loki import Loki, LokiArgs
from observability.prometheus import Prometheus, PrometheusArgs


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """What observability needs of the rest."""

    charts: Charts
    images: Images
    settings: ObservabilitySettings
    grafana_host: pulumi.Input[str]
    """Full name at which Grafana is exposed."""
    ingress_class: pulumi.Input[str]
    rancher_url: str | None = None
    """Where operators reach Rancher, through which they may sign in; None where there is none."""
    cluster_issuer: pulumi.Input[str] | None = None
    """cert-manager's issuer of Grafana's certificate; None where the board has none."""
    address: pulumi.Input[str]
    """Public IPv4 address of the board's ingress."""


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
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": OBSERVABILITY, "labels": dict(baseline_namespace(OBSERVABILITY))},
            opts=child,
        )
        loki = Loki(
            f"{name}-loki",
            LokiArgs(
                charts=args.charts,
                namespace=namespace.metadata.name,
                password=own.loki_password.output,
                logs=own.logs,
                players=own.players,
            ),
            opts=child,
        )
        alertmanager = own.notify and Alertmanager(
            f"{name}-alertmanager",
            AlertmanagerArgs(
                image=args.images.alertmanager,
                namespace=namespace.metadata.name,
                notify=own.notify,
                players=own.players,
            ),
            opts=child,
        )
        prometheus = Prometheus(
            f"{name}-prometheus",
            PrometheusArgs(
                charts=args.charts,
                namespace=namespace.metadata.name,
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
            ),
            opts=child,
        )
        grafana = Grafana(
            f"{name}-grafana",
            GrafanaArgs(
                charts=args.charts,
                namespace=namespace.metadata.name,
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

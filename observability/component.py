"""Observability as a whole, on the active board."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from common.helm import Charts
from common.naming import baseline_namespace
from observability.grafana import Grafana, GrafanaArgs


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """What observability needs of the rest."""

    charts: Charts
    grafana_host: pulumi.Input[str]
    """Full name at which Grafana is exposed."""
    grafana_admin_password: pulumi.Input[str]
    ingress_class: pulumi.Input[str]


class Observability(pulumi.ComponentResource):
    """Grafana in a namespace of its own."""

    grafana_url: pulumi.Output[str]

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Observability", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": "observability", "labels": dict(baseline_namespace("observability"))},
            opts=child,
        )
        grafana = Grafana(
            f"{name}-grafana",
            GrafanaArgs(
                charts=args.charts,
                namespace=namespace.metadata.name,
                host=args.grafana_host,
                admin_password=args.grafana_admin_password,
                ingress_class=args.ingress_class,
            ),
            opts=child,
        )
        self.grafana_url = grafana.url
        self.register_outputs({"grafana_url": self.grafana_url})

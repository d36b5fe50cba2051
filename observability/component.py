"""Observability as a whole, on the active board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from common.fences import (
    INGRESS,
    OBSERVABILITY,
    Opening,
    Peer,
    anywhere,
    every_pod,
    fence,
    names,
    pods_of,
    ports,
    ration,
    web,
)
from common.helm import Charts
from common.naming import baseline_namespace
from common.settings import Observability as ObservabilitySettings
from common.versions import Images
from observability import log_pipeline, sizing
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


KUBELET: Final = 10250
"""Port of each node at which its kubelet tells of volumes and containers."""
_GRAFANA, _PROMETHEUS, _STATE, _GATEWAY = 3000, 9090, 8080, 8080
"""Ports of the charts' pods."""


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
        fence(name, namespace.metadata.name, openings(own, args.rancher_url), child)
        parts = dict.fromkeys(("prometheus", "loki-gateway", "grafana", "kube-state-metrics", "alertmanager"), 1)
        allowed = sizing.allowance({**parts, "loki": own.logs.replicas}, own.players)
        # Prometheus', Grafana's, and each Loki's.
        ration(name, namespace.metadata.name, allowed, child, volumes=2 + own.logs.replicas)
        loki = Loki(
            f"{name}-loki",
            LokiArgs(
                charts=args.charts,
                namespace=namespace.metadata.name,
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
                nodes=args.nodes,
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


def openings(settings: ObservabilitySettings, rancher_url: str | None) -> Mapping[str, Opening]:
    """Who talks to whom in the namespace; Loki and Alertmanager say themselves whom they let in."""
    grafana, prometheus, state = (_of(name) for name in ("grafana", "prometheus", "kube-state-metrics"))
    gateway = {**_of("loki"), "app.kubernetes.io/component": "gateway"}
    opened = {
        "names": names(),
        # And object storage, where people sign in, and whom alerts are told.
        "kubernetes-api": web(),
        # To, not from: each says itself whom it lets in.
        "within": Opening(egress=[{"to": [{"pod_selector": {}}]}]),
        "pages": Opening(pods=grafana, ingress=[{"from_": [pods_of(INGRESS)], "ports": ports(_GRAFANA)}]),
        "lines": Opening(
            pods=gateway,
            ingress=[{"from_": [pods_of(log_pipeline.NAMESPACE), _peer(grafana)], "ports": ports(_GATEWAY)}],
        ),
        "numbers": Opening(pods=prometheus, ingress=[{"from_": [_peer(grafana)], "ports": ports(_PROMETHEUS)}]),
        "state": Opening(pods=state, ingress=[{"from_": [_peer(prometheus)], "ports": ports(_STATE)}]),
        # Nodes are no pods, and by their addresses some networks know them not: the port is all that can be said.
        "asked": Opening(pods=prometheus, egress=[{"to": [every_pod()]}, {"ports": ports(KUBELET)}]),
    }
    if settings.notify:
        # A mail server's port and that of a webhook's address, which is a secret.
        opened["people"] = Opening(pods=_of("alertmanager"), egress=[{"to": [anywhere()]}])
    if settings.sign_in:
        provider = settings.sign_in
        asked = (provider.token_url, provider.userinfo_url, rancher_url)
        doors = sorted({urlsplit(url).port or 443 for url in asked if url})
        opened["sign-in"] = Opening(pods=grafana, egress=[{"to": [anywhere()], "ports": ports(*doors)}])
    return opened


def _of(name: str) -> Mapping[str, str]:
    return {"app.kubernetes.io/name": name}


def _peer(labels: Mapping[str, str]) -> Peer:
    return {"pod_selector": {"match_labels": dict(labels)}}

"""NetworkPolicies of the namespace of Prometheus, Loki, Grafana and Alertmanager."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from common.kubernetes_api import ApiServer
from common.naming import INGRESS_NAMESPACE
from common.network_policies import (
    NetworkRule,
    allow_dns_egress,
    allow_egress,
    allow_ingress,
    allow_kubernetes_api_egress,
    anywhere,
    every_pod,
    network,
    pods_of,
    ports,
    same_namespace,
)
from common.settings import Observability, Settings
from observability import alertmanager
from observability.log_pipeline import NAMESPACE as LOGGING_NAMESPACE
from observability.prometheus import EXPORTER_PORT

KUBELET_PORT: Final = 10250
"""Port of each node at which its kubelet has metrics of volumes and containers."""
_GRAFANA_PORT, _PROMETHEUS_PORT, _KUBE_STATE_METRICS_PORT, _GATEWAY_PORT = 3000, 9090, 8080, 8080
"""Ports of the charts' pods."""
_NAME: Final = "app.kubernetes.io/name"
_COMPONENT: Final = "app.kubernetes.io/component"
_GRAFANA: Final = {_NAME: "grafana"}
_PROMETHEUS: Final = {_NAME: "prometheus"}
_KUBE_STATE_METRICS: Final = {_NAME: "kube-state-metrics"}
_ALERTMANAGER: Final = {_NAME: alertmanager.NAME}
_GATEWAY: Final = {_NAME: "loki", _COMPONENT: "gateway"}
_LOKI: Final = {_NAME: "loki", _COMPONENT: "single-binary"}


def network_rules(settings: Settings, api: ApiServer) -> Sequence[NetworkRule]:
    """Rules of the namespace `observability`."""
    own = settings.observability
    return [
        allow_dns_egress(),
        allow_kubernetes_api_egress(api),
        # Egress alone: each program's own rules say who is let in.
        allow_egress("allow-same-namespace-egress", same_namespace()),
        allow_ingress("allow-grafana-ui", pods_of(INGRESS_NAMESPACE), _GRAFANA_PORT, pods=_GRAFANA),
        allow_ingress("allow-loki-push", pods_of(LOGGING_NAMESPACE), _GATEWAY_PORT, pods=_GATEWAY),
        allow_ingress("allow-loki-queries", same_namespace(_GRAFANA), _GATEWAY_PORT, pods=_GATEWAY),
        _loki_itself(),
        allow_ingress("allow-prometheus-queries", same_namespace(_GRAFANA), _PROMETHEUS_PORT, pods=_PROMETHEUS),
        _prometheus_scrape(),
        allow_egress("allow-game-master-scrape", network(settings.gamemaster.subnet), EXPORTER_PORT, pods=_PROMETHEUS),
        allow_ingress(
            "allow-kube-state-metrics-scrape",
            same_namespace(_PROMETHEUS),
            _KUBE_STATE_METRICS_PORT,
            pods=_KUBE_STATE_METRICS,
        ),
        *_object_storage(own),
        *_notifications(own),
        *_sign_in(own, settings.rancher_url),
    ]


def _prometheus_scrape() -> NetworkRule:
    """NetworkPolicy that lets Prometheus scrape every pod, and the kubelets."""
    return NetworkRule(
        name="allow-prometheus-scrape",
        pods=_PROMETHEUS,
        # Nodes are no pods, and Cilium finds them in no network of addresses: the port is all that can be said.
        egress=[{"to": [every_pod()]}, {"ports": ports(KUBELET_PORT)}],
    )


def _loki_itself() -> NetworkRule:
    """Ingress to Loki, which asks nobody for a password: from its gateway, its replicas and Prometheus."""
    callers = [same_namespace({_NAME: "loki"}), same_namespace(_PROMETHEUS)]
    return NetworkRule(name="allow-loki-from-gateway-and-prometheus", pods=_LOKI, ingress=[{"from_": callers}])


def _object_storage(settings: Observability) -> Sequence[NetworkRule]:
    if settings.logs.object_storage is None:
        return ()
    return [allow_egress("allow-object-storage", anywhere(), 443, pods=_LOKI)]


def _notifications(settings: Observability) -> Sequence[NetworkRule]:
    """Alertmanager, which asks nobody for a password: whoever reached it could silence alerts."""
    if settings.notify is None:
        return ()
    return [
        allow_ingress("allow-alerts", same_namespace(_PROMETHEUS), alertmanager.PORT, pods=_ALERTMANAGER),
        # At a mail server's port, and at that of a webhook's address, which is a secret.
        allow_egress("allow-notifications", anywhere(), pods=_ALERTMANAGER),
    ]


def _sign_in(settings: Observability, rancher_url: str | None) -> Sequence[NetworkRule]:
    provider = settings.sign_in
    if provider is None:
        return ()
    urls = (provider.token_url, provider.userinfo_url, rancher_url)
    sign_in_ports = sorted({urlsplit(url).port or 443 for url in urls if url})
    return [allow_egress("allow-sign-in", anywhere(), *sign_in_ports, pods=_GRAFANA)]

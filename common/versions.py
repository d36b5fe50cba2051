"""Everything that is pinned, in one place: the charts the boards get and the images of the game.

To move to a newer release, change it here, run `make rehearse`, then `make up`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A Helm chart at one version, and where its publisher offers it."""

    name: str
    version: str
    repository: str
    """Helm repository (https://…) or the OCI folder that holds the chart (oci://…)."""


_CATALOGUE = (
    # ingress-nginx was retired in March 2026; F5's controller is the maintained one for the same Ingress objects.
    Chart(name="nginx-ingress", version="2.6.4", repository="oci://ghcr.io/nginx/charts"),
    Chart(name="cert-manager", version="v1.21.1", repository="oci://quay.io/jetstack/charts"),
    # Grafana's and Loki's community charts left grafana.github.io in early 2026.
    Chart(name="grafana", version="12.11.1", repository="oci://ghcr.io/grafana-community/helm-charts"),
    Chart(name="loki", version="18.11.0", repository="oci://ghcr.io/grafana-community/helm-charts"),
    Chart(name="logging-operator", version="6.7.0", repository="oci://ghcr.io/kube-logging/helm-charts"),
    # Prometheus alone with kube-state-metrics: no operator and no CRDs (docs/adr/observability.md).
    Chart(name="prometheus", version="29.27.0", repository="oci://ghcr.io/prometheus-community/charts"),
    Chart(name="rancher", version="2.15.0", repository="https://releases.rancher.com/server-charts/latest"),
)

CHARTS: Mapping[str, Chart] = {chart.name: chart for chart in _CATALOGUE}

GAME_PORTAL_IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.29.3-alpine"
"""Serves the game's first page as a user without rights, on port 8080."""

KUBECTL_IMAGE = "registry.k8s.io/kubectl:v1.36.3"
"""Waits on the board for what no chart waits for."""

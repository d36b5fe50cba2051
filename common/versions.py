"""Everything that is pinned, in one place: charts, the game master's programs, the images of boards and game.

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
    # Prometheus alone with kube-state-metrics: no operator and no CRDs (docs/adr/0004-metrics-and-logs.md).
    Chart(name="prometheus", version="29.27.0", repository="oci://ghcr.io/prometheus-community/charts"),
    Chart(name="rancher", version="2.15.0", repository="https://releases.rancher.com/server-charts/latest"),
)

OLDEST_KUBERNETES = 34
"""Oldest minor (1.x) that the pinned Rancher supports: the oldest that it installs itself (package/Dockerfile)."""
NEWEST_KUBERNETES = 36
"""Newest minor (1.x) that the pinned Rancher takes: the chart of 2.15.0 says `kubeVersion: < 1.37.0-0`."""

CHARTS: Mapping[str, Chart] = {chart.name: chart for chart in _CATALOGUE}


@dataclass(frozen=True, kw_only=True)
class Binary:
    """A file at one version, where its publisher offers it, and what it must be."""

    version: str
    url: str
    sha256: str
    """Of the file, in hexadecimal, as its publisher states it."""


# Rancher's chart refuses Kubernetes 1.37 (its `kubeVersion`): the two move together.
K3S = Binary(
    version="v1.36.4+k3s1",
    url="https://github.com/k3s-io/k3s/releases/download/v1.36.4%2Bk3s1/k3s",
    sha256="835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f",
)
HELM = Binary(
    version="v3.22.0",
    url="https://get.helm.sh/helm-v3.22.0-linux-amd64.tar.gz",
    sha256="1e4ab49e429626cf6c6958d914248b78c9730803c2751b87627e171dc800e7bb",
)

ACME_DIRECTORIES: Mapping[str, str] = {
    "production": "https://acme-v02.api.letsencrypt.org/directory",
    "staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
"""Let's Encrypt's two; the second one's certificates are trusted by nobody, and plentiful."""


@dataclass(frozen=True, kw_only=True)
class Images:
    """Images of the program's own pods and of the steps of builds; `common.settings.images` puts in the settings'."""

    python: str = "docker.io/library/python:3.13.7-alpine3.22"
    """Runs the guard, the hunt and the set-up: files of this project that need nothing but the standard library."""
    gitea: str = "docker.io/gitea/gitea:1.27.3-rootless"
    drone: str = "docker.io/drone/drone:2.28.2"
    """Before 2.28.1 a build whose pipeline could not be fetched again stayed pending for ever."""
    drone_runner: str = "docker.io/drone/drone-runner-kube:1.0.0-rc.5"
    drone_placeholder: str = "docker.io/drone/placeholder:1.0.0"
    """What a step's container runs until its turn comes."""
    postgres: str = "docker.io/library/postgres:17.6-alpine3.22"
    git: str = "docker.io/alpine/git:v2.49.1"
    hadolint: str = "docker.io/hadolint/hadolint:v2.12.0-alpine"
    kubernetes_tools: str = "docker.io/alpine/k8s:1.33.4"
    """kubectl, helm and a shell."""
    buildkit: str = "docker.io/moby/buildkit:v0.23.2-rootless"
    """The daemon, and the step that asks it."""
    trivy: str = "docker.io/aquasec/trivy:0.65.0"
    cosign: str = "ghcr.io/sigstore/cosign/cosign:v2.6.1"
    """No step runs in it, for it has no shell: BuildKit takes the program out of it."""
    kubectl: str = "registry.k8s.io/kubectl:v1.36.3"
    """Waits on the board for what no chart waits for."""
    alertmanager: str = "quay.io/prometheus/alertmanager:v0.28.1"

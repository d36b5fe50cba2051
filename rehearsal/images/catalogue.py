"""What each image of a board's pods is made of here, by the reference that is asked for.

The references are those of `common/versions.py`, of the charts and of the operators that the charts bring:
tests/localcloud/images holds them against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from rehearsal.charts.registry import STAND_INS
from rehearsal.ingress import image_files as ingress
from rehearsal.rancher.manifest import IMAGE as RANCHER_AGENT
from rehearsal.toolchain import catalogue as sources
from rehearsal.toolchain import pod_programs
from rehearsal.toolchain.catalogue import Source

FILES = Path(__file__).parent / "files"
_NOBODY = "65534:65534"
_LOGGING = "ghcr.io/kube-logging/logging-operator"


@dataclass(frozen=True)
class FromSource:
    """Image of one program that is built from source, and of nothing else."""

    source: Source
    at: str
    """Path of the program in the image, which is its entry point."""
    user: str = ""


@dataclass(frozen=True)
class FromDebian:
    """Image of Debian 13's packages."""

    packages: Sequence[str]
    then: str = "true"
    """Shell command that follows their installation."""
    programs: Mapping[str, Source] = field(default_factory=dict[str, Source])
    """Path in the image to the source of the program that goes there."""
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Path in the image to the file of this project that goes there."""
    entrypoint: Sequence[str] = ()
    user: str = ""
    of: str = ""
    """Program that the image stands in for; empty for the program itself."""

    @property
    def origin(self) -> str:
        """For people."""
        standing_in = [f"stand-in for {self.of}"] if self.of else []
        built = [f"{source.name} {source.version} from source" for source in self.programs.values()]
        return ", ".join([*standing_in, *built, f"Debian 13: {' '.join(self.packages) or 'base'}"])


@dataclass(frozen=True)
class StandIn:
    """Image of a program that says that it stands in for another, and answers that one's probes."""

    of: str
    """Program, for people."""
    probes: Mapping[int, str] = field(default_factory=dict[int, str])
    """Port to the path of its probe."""
    ports: Sequence[int] = ()
    """The other ports; a program without any ends at once."""
    also: Sequence[str] = ()
    """Further paths in the image by which its containers are started."""


@dataclass(frozen=True)
class Image:
    """One image that a board may ask for."""

    reference: str
    """As it is asked for."""
    recipe: FromSource | FromDebian | StandIn
    teams: bool = False
    """Whether only a rehearsal with teams asks for the image."""

    @property
    def full(self) -> str:
        """The reference with its registry."""
        first = self.reference.partition("/")[0]
        return self.reference if "." in first else f"docker.io/{self.reference}"

    @property
    def stand_in(self) -> bool:
        """Whether what is made here is another program than the publisher's."""
        return isinstance(self.recipe, StandIn) or (isinstance(self.recipe, FromDebian) and bool(self.recipe.of))

    @property
    def publisher(self) -> str:
        """The publisher's registry."""
        return self.full.partition("/")[0]


def _of(chart: str) -> str:
    """Version of the program that a chart brings."""
    return yaml.safe_load((STAND_INS / chart / "Chart.yaml").read_text())["appVersion"]


def _cert_manager(part: str) -> Image:
    recipe = FromSource(pod_programs.CERT_MANAGER, f"cert-manager-{part}", _NOBODY)
    return Image(f"quay.io/jetstack/cert-manager-{part}:{_of('cert-manager')}", recipe)


PAUSE = Image("registry.k8s.io/pause:3.10.1", FromSource(sources.PAUSE, "pause", "65535:65535"))
"""Image of every pod's sandbox, under the name by which containerd 2.3 asks for it."""
COREDNS = Image(f"registry.k8s.io/coredns/coredns:v{sources.COREDNS.version}", FromSource(sources.COREDNS, "coredns"))
NODE = (PAUSE, COREDNS)
"""Images without which no pod runs."""

IMAGES = (
    *NODE,
    Image("registry.k8s.io/kubectl:v1.36.3", FromSource(pod_programs.KUBECTL, "bin/kubectl")),
    # Debian's Python is another patch release, with Debian's C library.
    Image(
        "docker.io/library/python:3.13.7-alpine3.22",
        FromDebian(("python3",), "ln -s python3 /usr/bin/python"),
    ),
    Image(
        f"nginx/nginx-ingress:{_of('nginx-ingress')}",
        FromDebian(
            ingress.PACKAGES,
            files=ingress.image_files(),
            entrypoint=ingress.ENTRYPOINT,
            user=ingress.USER,
            of="F5's ingress controller",
        ),
    ),
    *(_cert_manager(part) for part in ("controller", "webhook", "cainjector", "startupapicheck")),
    Image(RANCHER_AGENT, StandIn("Rancher's agent", ports=(80, 444))),
    Image(
        f"quay.io/prometheus/prometheus:{_of('prometheus')}",
        FromSource(sources.PROMETHEUS, "bin/prometheus", _NOBODY),
    ),
    Image(
        "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0",
        FromSource(pod_programs.KUBE_STATE_METRICS, "kube-state-metrics", _NOBODY),
    ),
    Image(
        "quay.io/prometheus/alertmanager:v0.28.1", FromSource(pod_programs.ALERTMANAGER, "bin/alertmanager", _NOBODY)
    ),
    Image(f"docker.io/grafana/grafana:{_of('grafana')}", StandIn("Grafana", {3000: "/api/health"})),
    Image(f"docker.io/grafana/loki:{_of('loki')}", StandIn("Loki", {3100: "/ready"}, (9095, 7946))),
    Image("docker.io/nginxinc/nginx-unprivileged:1.29-alpine", StandIn("Loki's gateway", {8080: "/"})),
    Image(
        f"ghcr.io/kube-logging/logging-operator:{_of('logging-operator')}",
        FromSource(pod_programs.LOGGING_OPERATOR, "manager", _NOBODY),
    ),
    # As the logging operator of that source names them.
    Image(
        "docker.io/fluent/fluent-bit:3.2.5",
        StandIn("Fluent Bit", {2020: "/api/v2/metrics/prometheus"}, also=("fluent-bit/bin/fluent-bit",)),
    ),
    Image(
        f"{_LOGGING}/fluentd:latest-full",
        StandIn("Fluentd", {24231: "/metrics"}, (24240,)),
    ),
    Image(f"{_LOGGING}/config-reloader:latest", StandIn("the logging operator's reloader", {9533: "/healthz"})),
    Image("docker.io/alpine/git:v2.49.1", FromDebian(("git",)), teams=True),
    Image(
        "docker.io/gitea/gitea:1.27.3-rootless",
        FromDebian(("git", "openssh-client"), programs={"usr/local/bin/gitea": sources.GITEA}, user="1000:1000"),
        teams=True,
    ),
    # The newest that can be built; the pinned one's source is in no module.
    Image(
        "docker.io/drone/drone:2.28.2",
        FromDebian((), programs={"bin/drone-server": sources.DRONE}, entrypoint=("/bin/drone-server",)),
        teams=True,
    ),
    Image("docker.io/drone/drone-runner-kube:1.0.0-rc.5", StandIn("Drone's runner", {3000: "/healthz"}), teams=True),
    Image("docker.io/drone/placeholder:1.0.0", StandIn("Drone's placeholder"), teams=True),
    Image(
        "docker.io/library/postgres:17.6-alpine3.22",
        FromDebian(
            ("postgresql-17",),
            "ln -s /usr/lib/postgresql/17/bin/* /usr/local/bin/ && rm -rf /var/lib/postgresql/*",
            files={"usr/local/bin/docker-entrypoint.sh": FILES / "postgres-entrypoint.sh"},
            entrypoint=("docker-entrypoint.sh",),
        ),
        teams=True,
    ),
    Image("docker.io/hadolint/hadolint:v2.12.0-alpine", StandIn("hadolint"), teams=True),
    Image("docker.io/alpine/k8s:1.33.4", StandIn("kubectl and Helm"), teams=True),
    Image("docker.io/moby/buildkit:v0.23.2-rootless", StandIn("BuildKit", ports=(1234,)), teams=True),
    Image("docker.io/aquasec/trivy:0.65.0", StandIn("trivy"), teams=True),
    Image("ghcr.io/sigstore/cosign/cosign:v2.6.1", StandIn("cosign"), teams=True),
)
"""Every image that this project knows to ask for."""

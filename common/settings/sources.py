"""Sources of what is installed: charts, binaries, Debian, images; mirrors of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Annotated, Final

from common.settings.constraints import Overriding, one_of, whole_number
from common.settings.credentials import Certificates, Sha256
from common.settings.images import PINNED, Image, Mirror, Registry, asks_no_extension, registry_of
from common.settings.networks import ChartUrl, DebianUrl, WebUrl
from common.settings.rules import Conflict, left_out, rule
from common.settings.section import Section
from common.versions import CHARTS, HELM, K3S

_PUBLISHERS: Final = {name: chart.repository for name, chart in CHARTS.items()}
ChartName = Annotated[str, one_of(tuple(_PUBLISHERS))]
ImageName = Annotated[str, one_of(tuple(PINNED))]


class Sources(Section):
    """Sources of what is installed, for mirrors."""

    charts: Annotated[Mapping[ChartName, ChartUrl], Overriding(_PUBLISHERS)] = _PUBLISHERS
    """Repository of each Helm chart by the chart's name; a chart left out keeps its publisher's repository."""
    chart_timeout_seconds: Annotated[int, whole_number(30, 3600, "seconds")] = 600
    """Timeout, in seconds, for the objects of a chart to be ready."""
    acme_directory: WebUrl | None = None
    """ACME directory of another authority than Let's Encrypt."""
    acme_ca_bundle: Certificates | None = None
    """Certificates to trust for sources.acmeDirectory, where Debian does not trust them by default."""
    k3s_url: WebUrl = K3S.url
    """URL of the K3s binary for Linux on amd64."""
    k3s_sha256: Sha256 = K3S.sha256
    """SHA-256 of the K3s binary."""
    helm_url: WebUrl = HELM.url
    """URL of Helm's archive for Linux on amd64."""
    helm_sha256: Sha256 = HELM.sha256
    """SHA-256 of Helm's archive."""
    debian: DebianUrl = "https://deb.debian.org/debian"
    """Debian mirror of the game master."""
    images: Annotated[Mapping[ImageName, Image], Overriding(PINNED)] = PINNED
    """Image of each of the program's own pods and of each step of the game's builds, by name; an image left out keeps
    the pinned release."""
    registries: Mapping[Registry, Mirror] = {}
    """Mirror of each container registry, for the images of sources.images, not for those of the charts."""

    @rule
    def mirrors_are_of_use(self) -> Generator[Conflict]:
        known = sorted({registry_of(each) for each in self.images.values()})
        for name, place in self.registries.items():
            if name not in known:
                allowed = f"must take the place of a registry that an image comes from, which is {', '.join(known)}"
                yield Conflict(("registries", name), place, allowed, remedy=left_out)

    @rule
    def drone_asks_its_extensions(self) -> Generator[Conflict]:
        drone = self.images["drone"]
        if asks_no_extension(drone):
            allowed = "must not be built with the tag oss: it asks no extension, and runs what a pull request says"
            yield Conflict("images.drone", drone, allowed)

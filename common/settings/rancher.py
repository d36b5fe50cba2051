"""Rancher on the game master."""

from __future__ import annotations

from collections.abc import Generator

from common.settings.constraints import Flag
from common.settings.credentials import Certificates, Password
from common.settings.names import Label
from common.settings.networks import WebUrl
from common.settings.rules import Conflict, rule
from common.settings.section import Section


class Rancher(Section):
    """Rancher, which manages the boards, on the game master's K3s."""

    enabled: Flag = False
    """Whether the game master has K3s and Rancher; the Instance then needs 4 GB of memory."""
    host: Label = "rancher"
    """DNS label of Rancher in the game's zone."""
    bootstrap_password: Password | None = None
    """First password of Rancher's user `admin`; needed where rancher.enabled is true."""
    admin_password: Password | None = None
    """Password of Rancher's user `admin` after the bootstrap; needed where rancher.enabled is true."""
    api_url: WebUrl | None = None
    """URL of Rancher's API for this program; by default Rancher's public URL."""
    ca_bundle: Certificates | None = None
    """Certificates that this program and the boards' agents trust for Rancher, where no public authority signed
    Rancher's own."""

    @rule
    def passwords_where_enabled(self) -> Generator[Conflict]:
        for key, value in (("bootstrapPassword", self.bootstrap_password), ("adminPassword", self.admin_password)):
            if self.enabled and value is None:
                yield Conflict(key, "", "must be given where rancher.enabled is true")
        if self.admin_password and self.admin_password == self.bootstrap_password:
            yield Conflict(
                "adminPassword", None, "must not be rancher.bootstrapPassword, which is stored in the cluster"
            )

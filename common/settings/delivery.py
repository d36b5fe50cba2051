"""Delivery: source control, continuous deployment, registry and signing key."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import datetime
from importlib.util import find_spec
from typing import Annotated, Final, Literal

from common.settings.constraints import AT_LEAST_ONE, Flag, Text, matching
from common.settings.credentials import DnsKey, Password, RegistryConfig, SigningKey
from common.settings.github import GitHub
from common.settings.names import LABEL, Label
from common.settings.rules import Conflict, left_out, rule
from common.settings.section import Section, camel

GITEA: Final = "gitea"
GITHUB: Final = "github"
INSTALL_GITHUB: Final = ".venv/bin/pip install -r requirements-github.txt"
Component = Annotated[
    str,
    Text(
        allowed="a component's name: at most 50 small letters, digits and hyphens, with a letter or digit at both "
        "ends; not 'denied', where unknown builds end, and not beginning with 'team-', as the teams' repositories do",
        accepts=lambda value: (
            LABEL.fullmatch(value) is not None
            and len(value) <= 50
            and value != "denied"
            and not value.startswith("team-")
        ),
    ),
]
ImageFolder = Annotated[
    str,
    matching(
        "a folder of a container registry, such as 'registry.example.org/game'",
        r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9]+([._-][a-z0-9]+)*)+",
    ),
]
_MOMENT: Final = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
Moment = Annotated[
    str,
    Text(
        allowed="a moment in UTC, such as '2027-01-31T18:00:00Z'",
        accepts=lambda value: _MOMENT.fullmatch(value) is not None and bool(datetime.fromisoformat(value)),
    ),
]


class Delivery(Section):
    """Source control of the players and continuous deployment of the game; neither exists without masterKey."""

    master_key: DnsKey | None = None
    """Master key from which the secrets between source control, Drone and guard, and every account's first password,
    are derived."""
    components: Annotated[tuple[Component, ...], AT_LEAST_ONE] = ("portal",)
    """Repositories of the game's own components."""
    registry: ImageFolder | None = None
    """Folder of the components' images in a container registry; by default a registry at Scaleway that the program
    makes."""
    registry_config: RegistryConfig | None = None
    """Login with which the components' images are pushed and pulled; needed where delivery.registry is given."""
    registry_key_expires_at: Moment | None = None
    """Expiry of the API key of the program's own registry; only where the organisation limits the life of API keys."""
    allow_replacement: Flag = False
    """Whether the program's own registry, once made, may be replaced or removed with its images."""
    signing_key: SigningKey | None = None
    """Private key with which the components' images are signed (cosign); needed where delivery.masterKey is given."""
    signing_password: Password | None = None
    """Password of delivery.signingKey; needed where delivery.masterKey is given."""
    scm: Literal["gitea", "github"] = GITEA
    """Source control: Gitea on the board (gitea), or an organisation at GitHub (github)."""
    github: GitHub | None = None
    """Organisation at GitHub; needed where delivery.scm is github, with the packages of requirements-github.txt."""
    git_host: Label = "git"
    """DNS label of Gitea in the game's zone."""
    drone_host: Label = "drone"
    """DNS label of Drone in the game's zone."""

    @property
    def makes_a_registry(self) -> bool:
        """Whether the program makes the registry of the components' images."""
        return self.master_key is not None and self.registry is None

    @rule
    def whole_or_absent(self) -> Generator[Conflict]:
        if self.master_key is None:
            return
        for key in ("signing_key", "signing_password"):
            if not getattr(self, key):
                yield Conflict(camel(key), "", "must be given where delivery.masterKey is")

    @rule
    def another_registry_is_whole(self) -> Generator[Conflict]:
        unless = "; leave out both for a registry at Scaleway of the program's own"
        if self.registry and self.registry_config is None:
            yield Conflict("registryConfig", "", f"must be given where delivery.registry is{unless}")
        if self.registry_config and self.registry is None:
            yield Conflict("registry", "", f"must be given where delivery.registryConfig is{unless}")
        if self.registry and self.registry_key_expires_at:
            allowed = "must be left out where delivery.registry is given, whose login the program does not make"
            yield Conflict("registryKeyExpiresAt", self.registry_key_expires_at, allowed)

    @rule
    def components_are_named_once(self) -> Generator[Conflict]:
        for index, name in enumerate(self.components):
            if name in self.components[:index]:
                yield Conflict(f"components.{index}", name, "must not be another component's name")

    @rule
    def one_source_control(self) -> Generator[Conflict]:
        if self.scm == GITHUB and self.github is None:
            yield Conflict("github", "", "must be given where delivery.scm is github")
        if self.scm == GITEA and self.github is not None:
            allowed = "must be left out where delivery.scm is gitea, which needs none of it"
            yield Conflict("github", {}, allowed, remedy=left_out)

    @rule
    def githubs_package_is_there(self) -> Generator[Conflict]:
        if self.scm == GITHUB and find_spec("pulumi_github") is None:
            allowed = "needs the package pulumi-github, which is installed only where it is used"
            yield Conflict("scm", GITHUB, allowed, remedy=lambda _: (INSTALL_GITHUB,))

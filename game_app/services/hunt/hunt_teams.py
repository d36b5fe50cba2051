"""Teams of a hunt, and the placeholders that its texts have for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Team:
    """One team."""

    name: str
    repository: str
    """Its repository as owner/name."""
    namespace: str
    """Its namespace on the board."""


@dataclass(frozen=True)
class GameUrls:
    """Public addresses of the game."""

    page_url: str
    """Address of the hunt's pages, with a slash at the end."""
    git_url: str
    """Address of the source control, with a slash at the end; empty where there is none."""

    def placeholders(self, team: Team | None = None, word: str = "") -> Mapping[str, str]:
        """Name of each placeholder that has a value, without its `@`, to the value."""
        values = {"page": self.page_url, "git": self.git_url}
        if team is not None:
            values |= {"team": team.name, "repository": team.repository, "namespace": team.namespace}
        return values | ({"word": word} if word else {})


def filled(text: str, placeholders: Mapping[str, str]) -> str:
    """Text with its placeholders filled."""
    for name, value in placeholders.items():
        text = text.replace(f"@{name}@", value)
    return text

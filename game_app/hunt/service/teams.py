"""The teams of a hunt, and where each has its things."""

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
class Place:
    """What texts call things by."""

    page_url: str
    """Where teams find this page, with a slash at its end."""
    git_url: str
    """Where they find the source control, with a slash at its end; empty where there is none."""

    def names(self, team: Team | None = None, word: str = "") -> Mapping[str, str]:
        """Each placeholder that is known, without its `@`, to what it is filled with."""
        names = {"page": self.page_url, "git": self.git_url}
        if team is not None:
            names |= {"team": team.name, "repository": team.repository, "namespace": team.namespace}
        return names | ({"word": word} if word else {})


def filled(text: str, names: Mapping[str, str]) -> str:
    """A text with its placeholders filled."""
    for name, value in names.items():
        text = text.replace(f"@{name}@", value)
    return text

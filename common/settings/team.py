"""Team: its name and the accounts of its players."""

from __future__ import annotations

import re
from typing import Annotated, Final

from common.settings.constraints import AT_LEAST_ONE, Text
from common.settings.section import Section

_TAKEN = """
admin administrator api assets attachments avatar avatars captcha clone-bot drone-bot explore favicon.ico game ghost
gitea gitea-actions issues login maintainer manifest.json merge-bot metrics milestones notifications operator org pulls
repo repo-avatars robots.txt sitemap.xml ssh swagger.v1.json user v2
"""
RESERVED: Final = frozenset(_TAKEN.split())
"""Names of accounts that the game or Gitea has itself (Gitea: models/user/user.go)."""
_PAGES: Final = (".keys", ".gpg", ".rss", ".atom", ".png")
"""Ends of names under which Gitea has a page about an account of the name before them."""
_TEAM: Final = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")
_PLAYER: Final = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")

TeamName = Annotated[
    str,
    Text(
        allowed="a team's name: 1 to 30 small letters, digits and hyphens, a letter first and a letter or digit last",
        accepts=lambda value: _TEAM.fullmatch(value) is not None,
    ),
]
PlayerName = Annotated[
    str,
    Text(
        allowed="a player's account: at most 40 small letters and digits, single '.', '_' or '-' between them, and no "
        "name that the game has itself",
        accepts=lambda value: (
            len(value) <= 40
            and _PLAYER.fullmatch(value) is not None
            and value not in RESERVED
            and not value.endswith(_PAGES)
        ),
    ),
]


class Team(Section):
    """Team: players with namespaces and a repository of their own."""

    name: TeamName
    """Name of the team, also in the names of the team's namespaces and repository."""
    players: Annotated[tuple[PlayerName, ...], AT_LEAST_ONE]
    """Accounts of the team's players."""

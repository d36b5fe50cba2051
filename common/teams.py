"""The teams of a game: who plays with whom, from the settings or from a file beside them."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from common.fields import (
    Kind,
    ListOf,
    RefusedError,
    ReportedError,
    Section,
    section,
    setting,
)
from common.plain import text
from common.problems import Place, Problem, shown
from common.rules import Conflict, rule

MOST_PLAYERS: Final = 2000
LONGEST_LIST: Final = 200
"""Teams that the settings may list: they reach the program in one variable of its environment, which Linux bounds.

It holds 131,072 bytes (MAX_ARG_STRLEN): so many teams, with as many players as may play and their longest names, fit
in beside all other settings.
"""
LARGEST_FILE: Final = 1024 * 1024
"""Bytes: 2,000 players need a tenth of it."""
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
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")

team_name: Final = text(
    "a team's name: 1 to 30 small letters, digits and hyphens, a letter first and a letter or digit last",
    lambda value: _TEAM.fullmatch(value) is not None,
)
player_name: Final = text(
    "a player's account: at most 40 small letters and digits, single '.', '_' or '-' between them, and no name that "
    "the game has itself",
    lambda value: (
        len(value) <= 40
        and _PLAYER.fullmatch(value) is not None
        and value not in RESERVED
        and not value.endswith(_PAGES)
    ),
)


@section
class Team:
    """People who play together, with a space of their own on the board."""

    name: str = setting(team_name)
    """Its name, also in the names of its namespaces and its repository."""
    players: tuple[str, ...] = setting(ListOf(player_name, least=1))
    """The accounts of its players."""


class TeamFile(Kind[tuple[Team, ...]]):
    """The name of a text file with one team a line, `team: player, player`; '#' begins a comment."""

    def __init__(self) -> None:
        super().__init__(
            "the name of a file in the project's folder, with one team a line: 'team: player, player' ('#' begins a "
            "comment)"
        )

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        return (at.set(meant or "FILE"),)

    def read(self, value: object, at: Place) -> tuple[Team, ...]:
        if not isinstance(value, str) or not _FILE.fullmatch(value):
            raise RefusedError(f"must be {self.allowed}")
        try:
            with Path(value).open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
            lines = content.decode("utf-8-sig").splitlines()
        except OSError as error:
            raise RefusedError(f"must be a file that can be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise RefusedError("must be a text file in UTF-8") from error
        if len(content) > LARGEST_FILE:
            raise RefusedError(f"must be a file of at most {LARGEST_FILE} bytes")
        return _teams(lines, value, at)


def _teams(lines: list[str], file: str, at: Place) -> tuple[Team, ...]:
    """The teams of a file's lines. Every line that is wrong is reported with its number."""
    found: list[Team] = []
    wrong = False
    line_of: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        key = f"{at.key} ({file}, line {number})"
        name, colon, rest = entry.partition(":")
        team, players = name.strip(), [player.strip() for player in rest.split(",")]
        if colon:
            problems = list(_line_problems(key, number, team, players, line_of))
        else:
            problems = [Problem(key, shown(entry), "must be 'team: player, player'")]
        wrong = wrong or bool(problems)
        at.problems.extend(problems)
        found.append(Team(name=team, players=tuple(players)))
    if wrong:
        raise ReportedError
    if not found:
        raise RefusedError("must be a file that names a team")
    return tuple(found)


def _line_problems(key: str, number: int, team: str, players: list[str], line_of: dict[str, int]) -> Generator[Problem]:
    """What is wrong with one line. `line_of` holds the lines of the teams (with a colon) and players before it."""
    for kind, name, mark, is_taken in (
        (team_name, team, f"{team}:", "is a team already"),
        *((player_name, player, player, "plays already") for player in players),
    ):
        try:
            kind.convert(name)
        except RefusedError as refused:
            yield Problem(key, shown(name), str(refused))
            continue
        if mark in line_of:
            yield Problem(key, shown(name), f"{is_taken}, on line {line_of[mark]}")
        line_of.setdefault(mark, number)


def _moved_to_a_file(at: Place) -> Sequence[str]:
    """The remedy for a list that is too long, once the file is written."""
    file = Place(at.stack, at.problems, (*at.steps[:-1], "file"))
    return (file.set("FILE"), at.remove())


@section
class Teams:
    """Who plays."""

    list: tuple[Team, ...] = setting(ListOf(Section(Team)), default=())
    """The teams, where there are 200 at most."""
    file: tuple[Team, ...] = setting(TeamFile(), default=())
    """A file with the teams, where there are many."""

    @property
    def all(self) -> tuple[Team, ...]:
        """Every team, by name."""
        return tuple(sorted((*self.list, *self.file), key=lambda team: team.name))

    @rule
    def names_are_used_once(self) -> Generator[Conflict]:
        teams: set[str] = {team.name for team in self.file}
        players: set[str] = {player for team in self.file for player in team.players}
        for index, team in enumerate(self.list):
            if team.name in teams:
                yield Conflict(f"list.{index}.name", team.name, "must not be another team's name")
            teams.add(team.name)
            for place, player in enumerate(team.players):
                if player in players:
                    yield Conflict(f"list.{index}.players.{place}", player, "must not play twice")
                players.add(player)

    @rule
    def many_are_in_a_file(self) -> Generator[Conflict]:
        if len(self.list) > LONGEST_LIST:
            allowed = (
                f"must have at most {LONGEST_LIST} teams, for the settings travel in one variable of 128 KiB: "
                "put them into a file, one 'team: player, player' a line, and name it in teams.file"
            )
            yield Conflict("list", len(self.list), allowed, remedy=_moved_to_a_file)

    @rule
    def there_are_not_too_many(self) -> Generator[Conflict]:
        players = sum(len(team.players) for team in self.all)
        if players > MOST_PLAYERS:
            yield Conflict("", players, f"must have at most {MOST_PLAYERS} players")

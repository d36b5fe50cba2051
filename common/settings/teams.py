"""Teams and their players."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Annotated, Final

from common.settings.constraints import AT_LEAST_ONE
from common.settings.images import Registry
from common.settings.problems import Place
from common.settings.rules import Conflict, rule
from common.settings.section import Section
from common.settings.team import Team
from common.settings.team_file import TEAM_FILE

PUBLIC_REGISTRIES: Final = ("docker.io", "ghcr.io", "quay.io", "registry.k8s.io")
MOST_PLAYERS: Final = 2000
LONGEST_LIST: Final = 200
"""Teams that the settings may list: they reach the program in one variable of its environment, which Linux bounds.

It holds 131,072 bytes (MAX_ARG_STRLEN): so many teams, with as many players as may play and their longest names, fit
in beside all other settings.
"""


def _moved_to_a_file(at: Place) -> Sequence[str]:
    """The remedy for a list that is too long, once the file is written."""
    file = Place(at.stack, at.problems, (*at.steps[:-1], "file"))
    return (file.set("FILE"), at.remove())


class Teams(Section):
    """Teams: a list, or a file beside the settings."""

    list: tuple[Team, ...] = ()
    """Teams, 200 at most: settings reach the program in one variable of 128 KiB."""
    registries: Annotated[tuple[Registry, ...], AT_LEAST_ONE] = PUBLIC_REGISTRIES
    """Container registries that the images of the teams' own pods may come from."""
    file: Annotated[tuple[Team, ...], TEAM_FILE] = ()
    """File with the teams, where the teams are more than 200."""

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

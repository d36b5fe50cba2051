"""File of teams: one team a line, `team: player, player`; '#' begins a comment."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from pydantic import GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, core_schema

from common.settings.constraints import Constraint, stated
from common.settings.names import RELATIVE_PATH
from common.settings.schema import schema_of
from common.settings.team import PlayerName, Team, TeamName

LARGEST_FILE: Final = 1024 * 1024
"""Bytes: 2,000 players need a tenth of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TeamFile(Constraint):
    """Name of a file of teams, which becomes the teams in the file."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self._read)

    def _read(self, value: object) -> tuple[Team, ...]:
        if isinstance(value, tuple):
            return cast("tuple[Team, ...]", value)
        if not isinstance(value, str) or not RELATIVE_PATH.fullmatch(value):
            raise ValueError(self.allowed)
        try:
            with Path(value).open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
            lines = content.decode("utf-8-sig").splitlines()
        except OSError as error:
            raise stated(f"must be a file that can be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise stated("must be a text file in UTF-8") from error
        if len(content) > LARGEST_FILE:
            raise stated(f"must be a file of at most {LARGEST_FILE} bytes")
        return _teams(lines, value)


TEAM_FILE: Final = TeamFile(
    allowed="the name of a file in the project's folder, with one team a line: 'team: player, player' ('#' begins a "
    "comment)",
    placeholder="FILE",
)


def _teams(lines: Sequence[str], file: str) -> tuple[Team, ...]:
    """The teams of a file's lines. Raises ValidationError with every line that is wrong."""
    found: list[Mapping[str, object]] = []
    mistakes: list[InitErrorDetails] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        name, colon, rest = entry.partition(":")
        team, players = name.strip(), [player.strip() for player in rest.split(",")]
        wrong = _mistakes(number, team, players, line_of) if colon else [(entry, "must be 'team: player, player'")]
        mistakes += [
            InitErrorDetails(type=stated(said, f"({file}, line {number})"), input=text) for text, said in wrong
        ]
        found.append({"name": team, "players": players})
    if mistakes:
        raise ValidationError.from_exception_data("teams", mistakes, hide_input=True)
    if not found:
        raise stated("must be a file that names a team")
    return tuple(map(Team.model_validate, found))


def _mistakes(number: int, team: str, players: Sequence[str], line_of: dict[str, int]) -> Generator[tuple[str, str]]:
    """Each wrong text of one line, with a sentence. line_of: lines of the teams (with a colon) and players before."""
    for schema, name, mark, is_taken in (
        (schema_of(TeamName), team, f"{team}:", "is a team already"),
        *((schema_of(PlayerName), player, player, "plays already") for player in players),
    ):
        if not schema.takes(name):
            yield name, f"must be {schema.allowed}"
            continue
        if mark in line_of:
            yield name, f"{is_taken}, on line {line_of[mark]}"
        line_of.setdefault(mark, number)

"""The players' spaces on the board: one namespace for each team, in which it can do what the puzzles need."""

from game_app.teams.rules import TeamRules
from game_app.teams.space import TeamSpace, TeamSpaceArgs

__all__ = ["TeamRules", "TeamSpace", "TeamSpaceArgs"]

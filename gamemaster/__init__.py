"""The game master: one Debian Instance, authority of the game's subdomain, which outlives every board."""

from gamemaster.component import GameMaster, GameMasterArgs
from gamemaster.names import Names, NamesArgs
from gamemaster.proxy import Site

__all__ = ["GameMaster", "GameMasterArgs", "Names", "NamesArgs", "Site"]

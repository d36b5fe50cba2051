"""The game master: one Debian Instance, authority of the game's subdomain, which outlives every board."""

from gamemaster.component import GameMaster, GameMasterArgs, RancherPlan
from gamemaster.kubernetes import Download
from gamemaster.names import Names, NamesArgs
from gamemaster.proxy import Site

__all__ = ["Download", "GameMaster", "GameMasterArgs", "Names", "NamesArgs", "RancherPlan", "Site"]

"""A board: a Kapsule cluster on which the game runs; it can be swapped without touching the game master."""

from board.certificates import Authorities, Authority
from board.cluster import Pool, Taint
from board.component import Board, BoardArgs

__all__ = ["Authorities", "Authority", "Board", "BoardArgs", "Pool", "Taint"]

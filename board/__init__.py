"""Board: a Kapsule cluster on which the game runs; replaced by another one without touching the game master."""

from board.board import Board, BoardArgs

__all__ = ["Board", "BoardArgs"]

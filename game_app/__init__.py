"""The game itself, on the active board."""

from game_app.component import GameApp, GameAppArgs, Workshop

__all__ = ["GameApp", "GameAppArgs", "Workshop"]

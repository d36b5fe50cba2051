"""The game itself, on the active board."""

from game_app.component import GameApp, GameAppArgs

__all__ = ["GameApp", "GameAppArgs"]

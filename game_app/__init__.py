"""The game itself, on the active board."""

from game_app.component import GameApp, GameAppArgs, Workshop
from game_app.hunt.folder import load as load_course

__all__ = ["GameApp", "GameAppArgs", "Workshop", "load_course"]

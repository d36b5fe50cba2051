"""The game itself, on the active board."""

from game_app.component import GameApp, GameAppArgs, Workshop
from game_app.delivery.registry import image_registry
from game_app.hunt.folder import load as load_course

__all__ = ["GameApp", "GameAppArgs", "Workshop", "image_registry", "load_course"]

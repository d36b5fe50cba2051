"""The game itself, on the active board."""

from game_app.delivery.image_registry import image_registry
from game_app.game_app import GameApp, GameAppArgs
from game_app.hunt.folder import load as load_course

__all__ = ["GameApp", "GameAppArgs", "image_registry", "load_course"]

"""Continuous deployment: Drone, the runners, and the places where builds run."""

from game_app.delivery.component import Delivery, DeliveryArgs

__all__ = ["Delivery", "DeliveryArgs"]

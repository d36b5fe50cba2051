"""What the game masters look at during an event: logs, metrics, alerts, and the pages that show them."""

from observability.observability import Observability, ObservabilityArgs

__all__ = ["Observability", "ObservabilityArgs"]

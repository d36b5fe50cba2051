"""What the game masters look at during an event: logs, metrics, alerts, and the pages that show them."""

from observability.component import Observability, ObservabilityArgs

__all__ = ["Observability", "ObservabilityArgs"]

"""What the game masters look at during an event: Grafana."""

from observability.component import Observability, ObservabilityArgs

__all__ = ["Observability", "ObservabilityArgs"]

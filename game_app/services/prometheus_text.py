"""Metrics in Prometheus' text form, and the port on which they are served.

Source: prometheus.io/docs/instrumenting/exposition_formats
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final

from .http_server import BoundedHandler, BoundedServer, Limits

_LIMITS: Final = Limits(body=0, seconds=10, connections=16)


def metric(name: str, kind: str, help_text: str) -> Generator[str]:
    """Lines that say what a metric is. kind: `gauge` or `counter`."""
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"


def sample(name: str, value: float, **labels: str) -> str:
    """Line with one value."""
    written = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{written}}} {value}" if labels else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class MetricsServer(BoundedServer):
    """GET /metrics on a port behind no Service and no Ingress, for Prometheus alone."""

    def __init__(self, address: tuple[str, int], exposition: Callable[[], str]) -> None:
        """exposition: all metrics now, in Prometheus' text form."""
        self.exposition = exposition
        super().__init__(address, _MetricsHandler, _LIMITS)


class _MetricsHandler(BoundedHandler):
    server: MetricsServer  # pyright: ignore[reportIncompatibleVariableOverride] - only a MetricsServer makes it

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        if self.path != "/metrics":
            self.send(404, b"there is nothing here\n")
        else:
            self.send(200, self.server.exposition().encode(), "text/plain; version=0.0.4; charset=utf-8")

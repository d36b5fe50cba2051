"""Metrics of the set-up: each thing that its last run could not make."""

from __future__ import annotations

from collections.abc import Collection

from ..prometheus_text import metric, sample


class SetupMetrics:
    """Result of the last run, written by the set-up and read by a metrics server."""

    def __init__(self) -> None:
        self._faults: Collection[str] = ()

    def ran(self, faults: Collection[str]) -> None:
        """Keep the result of a run. faults: kind and name of each thing that could not be made."""
        self._faults = tuple(sorted(faults))

    def exposition(self) -> str:
        """All metrics now, in Prometheus' text form."""
        faults = self._faults
        return "\n".join(
            [
                *metric("setup_faults", "gauge", "Things that the last run of the set-up could not make."),
                sample("setup_faults", len(faults)),
                *metric("setup_fault", "gauge", "One such thing, by its kind and name."),
                *(sample("setup_fault", 1, thing=thing) for thing in faults),
                "",
            ]
        )

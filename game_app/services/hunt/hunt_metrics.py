"""Metrics of the hunt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Final

from ..prometheus_text import metric, sample
from .game import Game

RECENTLY: Final = 300.0
"""Seconds after which who asked for nothing no longer counts as playing."""


class Presence:
    """Browsers that asked for something lately; each that logged in as a team is a player."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, dict[str, float]] = {}

    def note(self, team: str, browser: str) -> None:
        """A browser of a team asked for something."""
        with self._lock:
            seen = self._seen.setdefault(team, {})
            seen[browser] = self._clock()
            self._forget(seen)

    def players(self, team: str) -> int:
        """How many of a team asked for something within the last five minutes."""
        with self._lock:
            seen = self._seen.get(team, {})
            self._forget(seen)
            return len(seen)

    def _forget(self, seen: dict[str, float]) -> None:
        for browser in [each for each, at in seen.items() if self._clock() - at > RECENTLY]:
            del seen[browser]


def exposition(game: Game, presence: Presence) -> str:
    """All metrics now, in Prometheus' text form."""
    return "\n".join([*_lines(game, presence), ""])


def _lines(game: Game, presence: Presence) -> Generator[str]:
    statuses = [game.status(team) for team in game.teams]
    yield from metric("hunt_running", "gauge", "Whether the operators have begun the hunt.")
    yield sample("hunt_running", int(game.running))
    yield from metric("hunt_players", "gauge", "Players who asked the hunt for something within five minutes.")
    for each in statuses:
        yield sample("hunt_players", presence.players(each.team.name), team=each.team.name)
    yield from metric("hunt_current_step", "gauge", "Number of the step that a team is at; after the last, one more.")
    for each in statuses:
        if each.since is not None:
            yield sample("hunt_current_step", each.number, team=each.team.name)
    yield from metric(
        "hunt_last_progress_timestamp_seconds",
        "gauge",
        "When a team that is under way last got further, later by the time for which the hunt was closed since.",
    )
    for each in statuses:
        if each.since is not None and each.step is not None:
            # Time for which the hunt was closed does not count: whoever asks how long ago it was gets the time of play.
            moment = time.time() - game.progress.open_seconds(each.since)
            yield sample("hunt_last_progress_timestamp_seconds", round(moment, 3), team=each.team.name)
    for name, what, of in (
        ("hunt_steps_started_total", "Steps that a team began.", "started"),
        ("hunt_steps_passed_total", "Steps that a team passed.", "passed"),
        ("hunt_checks_failed_total", "Checks that a team asked for in vain.", "failed"),
    ):
        yield from metric(name, "counter", what)
        for each in statuses:
            counted: Mapping[str, float] = getattr(each.record, of)
            for number, step in enumerate(game.hunt.course, 1):
                times = int(counted.get(step.name, 0)) if of == "failed" else int(step.name in counted)
                yield sample(name, times, team=each.team.name, step=str(number))

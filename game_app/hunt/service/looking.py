"""Who looks at what, and when: teams by asking, the service by a slow loop, and nobody waits for others."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from .checks import Verdict
from .game import Game
from .steps import Logged

INTERVAL: Final = 15.0
"""Seconds between two rounds."""
PAUSE: Final = 5.0
"""Seconds between two looks that one team asks for at the same step: each asks the source control several things."""
ASKED_AT_ONCE: Final = 64
ROUND_AT_ONCE: Final = 8
"""Checks at the same time: those that teams ask for, and those of a round."""


class Looking:
    """Checks in threads of their own; a team never has two of a kind under way."""

    def __init__(self, game: Game, interval: float = INTERVAL, pause: float = PAUSE) -> None:
        """interval: seconds between two rounds. pause: seconds between two looks that a team asks for."""
        self._game = game
        self._interval = interval
        self._pause = pause
        self._last: dict[str, tuple[str, float]] = {}
        """Each team's last look of its own asking: at which step, and when it began."""
        self._asked = ThreadPoolExecutor(ASKED_AT_ONCE, "asked")
        self._rounds = ThreadPoolExecutor(ROUND_AT_ONCE, "round")
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, str], Future[Verdict | None]] = {}
        self._ended = threading.Event()
        self._loop = threading.Thread(target=self._rounds_for_ever, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin with the rounds."""
        self._loop.start()

    def stop(self) -> None:
        """End the rounds; what is under way is not waited for."""
        self._ended.set()
        for pool in (self._asked, self._rounds):
            pool.shutdown(wait=False, cancel_futures=True)

    def ask(self, team: str, answer: str) -> Future[Verdict | None]:
        """Have a team's step looked at; if that is under way already, or has just been done, this is it.

        For a word nobody else is asked: each is looked at.
        """
        step = self._game.standing(team).step
        if step is not None and not isinstance(step.check, Logged):
            with self._lock:
                known, now = self._under_way.get(("asked", team)), time.monotonic()
                at, began = self._last.get(team, ("", 0.0))
                if known is not None and at == step.name and now - began < self._pause:
                    return known
                self._last[team] = (step.name, now)
        return self._once(self._asked, "asked", team, lambda: self._game.check(team, answer))

    def look_around(self) -> list[Future[Verdict | None]]:
        """One round: every team's gate and step."""
        return [
            self._once(self._rounds, "round", team, lambda team=team: self._round(team)) for team in self._game.teams
        ]

    def _round(self, team: str) -> Verdict | None:
        self._game.open_the_gate(team)
        step = self._game.standing(team).step
        # A word is nowhere to be seen before the team writes it down.
        if step is None or isinstance(step.check, Logged):
            return None
        return self._game.check(team, asked=False)

    def _once(self, pool: ThreadPoolExecutor, kind: str, team: str, work: object) -> Future[Verdict | None]:
        with self._lock:
            known = self._under_way.get((kind, team))
            if known is not None and not known.done():
                return known
            begun: Future[Verdict | None] = pool.submit(work)  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportCallIssue]
            self._under_way[kind, team] = begun
            return begun

    def _rounds_for_ever(self) -> None:
        while not self._ended.wait(self._interval):
            if self._game.running:
                self.look_around()

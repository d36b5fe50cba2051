"""Poller of the teams' steps: in rounds, and whenever a team asks; no team waits for another."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from .game import Game
from .hunt_steps import Logged
from .step_checks import Verdict

INTERVAL: Final = 15.0
"""Seconds between two rounds."""
PAUSE: Final = 5.0
"""Seconds between two checks that one team asks for at the same step: each asks the source control several things."""
TEAM_CHECKS: Final = 64
POLLS: Final = 8
"""Checks at the same time: those that teams ask for, and those of a round."""


class Poller:
    """Checks in threads of their own; a team never has two of a kind under way."""

    def __init__(self, game: Game, interval: float = INTERVAL, pause: float = PAUSE) -> None:
        """interval: seconds between two rounds. pause: seconds between two checks that a team asks for."""
        self._game = game
        self._interval = interval
        self._pause = pause
        self._last: dict[str, tuple[str, float]] = {}
        """Each team's last check of its own asking: at which step, and when it began."""
        self._team_checks = ThreadPoolExecutor(TEAM_CHECKS, "team-checks")
        self._polls = ThreadPoolExecutor(POLLS, "polls")
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, str], Future[Verdict | None]] = {}
        self._ended = threading.Event()
        self._loop = threading.Thread(target=self._poll_until_ended, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin with the rounds."""
        self._loop.start()

    def stop(self) -> None:
        """End the rounds; what is under way is not waited for."""
        self._ended.set()
        for pool in (self._team_checks, self._polls):
            pool.shutdown(wait=False, cancel_futures=True)

    def request_check(self, team: str, answer: str) -> Future[Verdict | None]:
        """Check that a team asks for; one that is under way already, or has just been done, is given again.

        Each word that a team writes down is checked: no other service is asked for that.
        """
        step = self._game.status(team).step
        if step is not None and not isinstance(step.check, Logged):
            with self._lock:
                known, now = self._under_way.get(("team", team)), time.monotonic()
                at, began = self._last.get(team, ("", 0.0))
                if known is not None and at == step.name and now - began < self._pause:
                    return known
                self._last[team] = (step.name, now)
        return self._once(self._team_checks, "team", team, lambda: self._game.check(team, answer))

    def poll_all(self) -> list[Future[Verdict | None]]:
        """Begin one round: every team's pull requests and step."""
        return [self._once(self._polls, "poll", team, lambda team=team: self._poll(team)) for team in self._game.teams]

    def _poll(self, team: str) -> Verdict | None:
        self._game.merge_green_pull_requests(team)
        step = self._game.status(team).step
        # A word is nowhere to be seen before the team writes it down.
        if step is None or isinstance(step.check, Logged):
            return None
        return self._game.check(team, by_team=False)

    def _once(self, pool: ThreadPoolExecutor, kind: str, team: str, work: object) -> Future[Verdict | None]:
        with self._lock:
            known = self._under_way.get((kind, team))
            if known is not None and not known.done():
                return known
            begun: Future[Verdict | None] = pool.submit(work)  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportCallIssue]
            self._under_way[kind, team] = begun
            return begun

    def _poll_until_ended(self) -> None:
        while not self._ended.wait(self._interval):
            if self._game.running:
                self.poll_all()

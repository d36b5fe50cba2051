"""The hunt as it is played: where each team is, and what happens when its step is looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .checks import Asked, Verdict, look
from .codes import word
from .progress import Progress, Record
from .signals import Cluster, Deadline, Gatekeeper, Scm, SilentError
from .steps import Hunt, Step
from .teams import Place, Team

PATIENCE: Final = 10.0
"""Seconds that a check may take, whoever has to answer it."""
Log = Callable[..., None]
"""Writes one event: its name and, by keyword, the level, the team and the number of the step."""


@dataclass(frozen=True)
class Said:
    """What the last check told a team."""

    step: str
    at: float
    said: str


@dataclass(frozen=True)
class Standing:
    """Where one team is."""

    team: Team
    record: Record
    step: Step | None
    """The step that it is at; None once it has passed them all."""
    number: int
    """That step's place in the course, from 1; one more than there are steps once it has passed them all."""
    said: Said | None
    since: float | None
    """When it last got further: when it passed a step, or when its first one began."""


class Game:
    """Teams on the course of a hunt. Its methods may be called from many threads."""

    def __init__(
        self,
        hunt: Hunt,
        teams: Sequence[Team],
        place: Place,
        progress: Progress,
        *,
        scm: Scm,
        gatekeeper: Gatekeeper,
        cluster: Cluster,
        key: str,
        log: Log,
        patience: float = PATIENCE,
    ) -> None:
        self.hunt = hunt
        self.teams: Mapping[str, Team] = {team.name: team for team in teams}
        self.place = place
        self.progress = progress
        self._scm = scm
        self._gatekeeper = gatekeeper
        self._cluster = cluster
        self._key = key
        self._log = log
        self._patience = patience
        self._lock = threading.Lock()
        self._said: dict[str, Said] = {}
        if self.running:
            self._start_all()

    @property
    def running(self) -> bool:
        """Whether the operators have begun the hunt."""
        return self.progress.running_since is not None

    def run(self, *, running: bool) -> None:
        """Begin the hunt or close it; nothing that was passed is lost."""
        if running == self.running:
            return
        self.progress.run(running=running)
        self._log("began" if running else "closed")
        if running:
            self._start_all()

    def standing(self, name: str) -> Standing:
        """Where a team is."""
        record = self.progress.record(name)
        number = next((at for at, step in enumerate(self.hunt.course, 1) if step.name not in record.passed), None)
        step = self.hunt.course[number - 1] if number else None
        with self._lock:
            said = self._said.get(name)
        times = [at for passed, at in record.passed.items() if passed in {each.name for each in self.hunt.course}]
        return Standing(
            team=self.teams[name],
            record=record,
            step=step,
            number=number or len(self.hunt.course) + 1,
            said=said if said and step and said.step == step.name else None,
            since=max(times, default=record.started.get(self.hunt.course[0].name)),
        )

    def hint(self, name: str) -> None:
        """Show a team the hint of its step from now on."""
        standing = self.standing(name)
        if self.running and standing.step and self.progress.takes_hint(name, standing.step.name):
            self._log("hint", team=name, step=standing.number)

    def open_the_gate(self, name: str) -> None:
        """Merge what a team proposed and the pipeline found good."""
        try:
            for _ in self._gatekeeper.open_for(self.teams[name], Deadline(self._patience)):
                self._log("merged", team=name, step=self.standing(name).number)
        except SilentError:
            self._log("unanswered", level="warning", team=name, step=self.standing(name).number)

    def check(self, name: str, answer: str = "", *, asked: bool = True) -> Verdict:
        """Look whether a team has done its step.

        asked: the team wants to know, and is told what is missing; otherwise only success counts.
        """
        standing = self.standing(name)
        step = standing.step
        if step is None or not self.running:
            return Verdict(False, "There is nothing to look at.")
        known_word = word(self._key, name, step.name)
        given = Asked(
            team=standing.team,
            names=self.place.names(standing.team, known_word),
            word=known_word,
            answer=answer,
            scm=self._scm,
            cluster=self._cluster,
            deadline=Deadline(self._patience),
        )
        try:
            verdict = look(step.check, given)
        except SilentError as silent:
            self._log("unanswered", level="warning", team=name, step=standing.number)
            verdict = Verdict(False, f"Nobody could look: {silent}. Nothing is lost; ask again in a moment.")
        except Exception:
            # A signal that nobody foresaw must cost neither the service nor another team's check.
            self._log("broken", level="error", team=name, step=standing.number)
            verdict = Verdict(False, "The check itself failed. Tell the operators; nothing of yours is lost.")
        else:
            self._judge(standing, step, verdict, asked=asked)
        if asked or verdict.passed:
            with self._lock:
                self._said[name] = Said(step.name, time.time(), verdict.said)
        return verdict

    def _judge(self, standing: Standing, step: Step, verdict: Verdict, *, asked: bool) -> None:
        name = standing.team.name
        if verdict.passed:
            if self.progress.passes(name, step.name):
                self._log("passed", team=name, step=standing.number)
            self._start(name)
        elif asked:
            self.progress.fails(name, step.name)
            self._log("failed", team=name, step=standing.number)

    def _start_all(self) -> None:
        for name in self.teams:
            self._start(name)

    def _start(self, name: str) -> None:
        standing = self.standing(name)
        if standing.step is None:
            self._log("finished", team=name, step=len(self.hunt.course))
        elif self.progress.starts(name, standing.step.name):
            self._log("started", team=name, step=standing.number)

"""Game: status of each team, and the effect of each check."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..bounded_reader import Deadline
from ..http_client import ServiceError
from .clients import KubernetesClient, PullRequestMerger, SourceControlClient
from .codes import word
from .hunt_progress import Progress, Record
from .hunt_steps import Hunt, Step
from .hunt_teams import GameUrls, Team
from .step_checks import CheckContext, Verdict, evaluate

CHECK_TIMEOUT: Final = 10.0
"""Seconds that a check may take, whoever has to answer."""
Log = Callable[..., None]
"""Writes one event: its name and, by keyword, the level, the team and the number of the step."""


@dataclass(frozen=True)
class LastVerdict:
    """Text of a team's last check."""

    step: str
    at: float
    """Seconds since 1970."""
    text: str


@dataclass(frozen=True)
class TeamStatus:
    """Place of one team on the course."""

    team: Team
    record: Record
    step: Step | None
    """The step that the team is at; None once all are passed."""
    number: int
    """That step's place in the course, from 1; one more than there are steps once all are passed."""
    last_verdict: LastVerdict | None
    since: float | None
    """When the team last got further: when a step was passed, or when the first one began."""


class Game:
    """Teams on the course of a hunt. Its methods may be called from many threads."""

    def __init__(
        self,
        hunt: Hunt,
        teams: Sequence[Team],
        urls: GameUrls,
        progress: Progress,
        *,
        source_control: SourceControlClient,
        merger: PullRequestMerger,
        cluster: KubernetesClient,
        key: str,
        log: Log,
        timeout: float = CHECK_TIMEOUT,
    ) -> None:
        """key: what codes and words are derived from. timeout: seconds that a check may take."""
        self.hunt = hunt
        self.teams: Mapping[str, Team] = {team.name: team for team in teams}
        self.urls = urls
        self.progress = progress
        self._source_control = source_control
        self._merger = merger
        self._cluster = cluster
        self._key = key
        self._log = log
        self._timeout = timeout
        self._lock = threading.Lock()
        self._last_verdicts: dict[str, LastVerdict] = {}
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

    def status(self, name: str) -> TeamStatus:
        """Place of a team on the course."""
        record = self.progress.record(name)
        number = next((at for at, step in enumerate(self.hunt.course, 1) if step.name not in record.passed), None)
        step = self.hunt.course[number - 1] if number else None
        with self._lock:
            last = self._last_verdicts.get(name)
        times = [at for passed, at in record.passed.items() if passed in {each.name for each in self.hunt.course}]
        return TeamStatus(
            team=self.teams[name],
            record=record,
            step=step,
            number=number or len(self.hunt.course) + 1,
            last_verdict=last if last and step and last.step == step.name else None,
            since=max(times, default=record.started.get(self.hunt.course[0].name)),
        )

    def hint(self, name: str) -> None:
        """Show a team the hint of its step from now on."""
        status = self.status(name)
        if self.running and status.step and self.progress.takes_hint(name, status.step.name):
            self._log("hint", team=name, step=status.number)

    def merge_green_pull_requests(self, name: str) -> None:
        """Merge a team's pull requests whose build succeeded."""
        try:
            for _ in self._merger.merge_green(self.teams[name], Deadline(self._timeout)):
                self._log("merged", team=name, step=self.status(name).number)
        except ServiceError:
            self._log("unanswered", level="warning", team=name, step=self.status(name).number)

    def check(self, name: str, answer: str = "", *, by_team: bool = True) -> Verdict:
        """Check whether a team has done its step.

        by_team: the team wants to know, and is told what is missing; otherwise only success counts.
        """
        status = self.status(name)
        step = status.step
        if step is None or not self.running:
            return Verdict(False, "There is nothing to check.")
        known_word = word(self._key, name, step.name)
        context = CheckContext(
            team=status.team,
            placeholders=self.urls.placeholders(status.team, known_word),
            word=known_word,
            answer=answer,
            source_control=self._source_control,
            cluster=self._cluster,
            deadline=Deadline(self._timeout),
        )
        try:
            verdict = evaluate(step.check, context)
        except ServiceError as error:
            self._log("unanswered", level="warning", team=name, step=status.number)
            verdict = Verdict(False, f"The check could not be made: {error}. Nothing is lost; ask again in a moment.")
        except Exception:
            # An answer that nobody foresaw must cost neither the service nor another team's check.
            self._log("broken", level="error", team=name, step=status.number)
            verdict = Verdict(False, "The check itself failed. Tell the operators; nothing of yours is lost.")
        else:
            self._judge(status, step, verdict, by_team=by_team)
        if by_team or verdict.passed:
            with self._lock:
                self._last_verdicts[name] = LastVerdict(step.name, time.time(), verdict.text)
        return verdict

    def _judge(self, status: TeamStatus, step: Step, verdict: Verdict, *, by_team: bool) -> None:
        name = status.team.name
        if verdict.passed:
            if self.progress.passes(name, step.name):
                self._log("passed", team=name, step=status.number)
            self._start(name)
        elif by_team and self.progress.fails(name, step.name):
            self._log("failed", team=name, step=status.number)

    def _start_all(self) -> None:
        for name in self.teams:
            self._start(name)

    def _start(self, name: str) -> None:
        status = self.status(name)
        if status.step is None:
            self._log("finished", team=name, step=len(self.hunt.course))
        elif self.progress.starts(name, status.step.name):
            self._log("started", team=name, step=status.number)

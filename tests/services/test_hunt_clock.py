"""Time of play: what a team needs for a step does not grow while the operators have closed the hunt."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest

from game_app.hunt.folder import load
from game_app.services.hunt import hunt_metrics, pages
from game_app.services.hunt.game import Game
from game_app.services.hunt.hunt_metrics import Presence, exposition
from game_app.services.hunt.hunt_progress import Progress
from game_app.services.hunt.hunt_teams import GameUrls, Team
from game_app.services.hunt.sessions import OPERATORS, Session
from tests.services.hunts import EXAMPLE

HOUR = 3600.0
BEGUN = 1_900_000_000.0
"""Some day in 2030."""


@dataclass
class Event:
    """Two days of a hunt with a night between them."""

    folder: Path
    now: float = BEGUN
    progress: Progress = field(init=False)
    game: Game = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.progress = Progress(self.folder / "progress.db", lambda: self.now)
        teams = [
            Team(name=name, repository=f"game/team-{name}", namespace=f"team-{name}") for name in ("amber", "blue")
        ]
        nobody = mock.Mock()
        self.game = Game(
            load(EXAMPLE),
            teams,
            GameUrls(page_url="http://play.example/", git_url="http://git.example/"),
            self.progress,
            source_control=nobody,
            merger=nobody,
            cluster=nobody,
            key="k" * 32,
            log=mock.Mock(),
        )

    def after(self, hours: float) -> None:
        self.now += hours * HOUR

    def operators(self) -> str:
        return pages.operators(self.game, Session(OPERATORS, "browser", "form"), self.now)

    def seconds_since_progress(self, team: str) -> float:
        with mock.patch.object(hunt_metrics.time, "time", return_value=self.now):
            text = exposition(self.game, Presence())
        [found] = re.findall(rf'^hunt_last_progress_timestamp_seconds{{team="{team}"}} (.+)$', text, re.MULTILINE)
        return self.now - float(found)


@pytest.fixture
def event(tmp_path: Path) -> Generator[Event]:
    made = Event(tmp_path)
    yield made
    made.progress.close()


def test_a_night_for_which_the_hunt_is_closed_does_not_count(event: Event) -> None:
    event.game.run(running=True)
    event.after(1)
    event.game.run(running=False)
    event.after(12)
    assert event.seconds_since_progress("amber") == pytest.approx(HOUR)
    assert "1 h 0 min" in event.operators()
    # Whatever restarts meanwhile.
    event.progress.close()
    event.open()
    event.game.run(running=True)
    event.after(0.5)
    assert event.seconds_since_progress("amber") == pytest.approx(1.5 * HOUR)
    assert "13 h" not in event.operators()
    event.progress.passes("amber", "git")
    medians = re.findall(r'<td class="number">([^<]*min)</td>', event.operators())
    assert medians == ["1 h 30 min"]
    assert event.seconds_since_progress("amber") == 0
    assert event.seconds_since_progress("blue") == pytest.approx(1.5 * HOUR)


def test_what_lies_before_or_after_a_night_counts_whole(event: Event) -> None:
    event.game.run(running=True)
    event.after(1)
    event.game.run(running=False)
    event.after(10)
    event.game.run(running=True)
    assert event.progress.open_seconds(BEGUN, BEGUN + HOUR / 2) == HOUR / 2
    assert event.progress.open_seconds(BEGUN + 2 * HOUR, BEGUN + 12 * HOUR) == HOUR
    assert event.progress.open_seconds(BEGUN + 12 * HOUR, BEGUN + 13 * HOUR) == HOUR
    assert event.progress.open_seconds(BEGUN + 2 * HOUR, BEGUN + 3 * HOUR) == 0


RETIRED = re.compile(r"\b(gate|funnel|station|road|arrived|in vain|looked at)\b", re.IGNORECASE)
"""Words of the hunt's prose, which the operators' page has none of; the hunt's own titles may."""


@pytest.mark.parametrize("running", [True, False])
def test_operators_read_the_fields_words(event: Event, running: bool) -> None:
    if running:
        event.game.run(running=True)
    page = re.sub(r"<[^>]+>", " ", event.operators())
    for title in (event.game.hunt.title, *(step.title for step in event.game.hunt.course)):
        page = page.replace(title, "")
    assert not RETIRED.search(page)

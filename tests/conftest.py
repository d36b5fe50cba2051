"""What runs beside what: tests that share a server stay in one process, and the longest begin first.

And the table of attacks that ends a run.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.charts.official import RealCharts
from tests.support.attack_suite import FELL, table, tally

TESTS = Path(__file__).parent
LONGEST_FIRST = (
    "rehearsal/test_documents.py",
    "rehearsal/event",
    "rehearsal",
    "attacks",
    "gamemaster",
    "api_server/delivery",
    "localcloud/instances",
    "localcloud/nodes",
    "observability",
    "commands",
    "api_server",
    "localcloud/toolchain",
    "services",
)
"""Files and folders of tests that wait for real servers most of the time."""
APART = ("commands/cli", "components", "rehearsal", "services", "unit")
"""Folders in which each file can run in a process of its own."""


class FolderScheduling(LoadScopeScheduling):
    """Gives a process whole folders of tests."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.rpartition("/")[0]
        return file if folder.removeprefix("tests/") in APART else folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--charts",
        choices=("kept", "official"),
        default="kept",
        help="what the charts' values are held against: schemas kept beside the project, or the publishers' own charts",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling:
    return FolderScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Sorting keeps the order within a folder.
    items.sort(key=_turn)


def pytest_collection_finish(session: pytest.Session) -> None:
    del session
    # The providers' packages are there to stay; the collector would walk them on every round, a fifth of the time.
    gc.freeze()


def _turn(item: pytest.Item) -> int:
    file = item.path.relative_to(TESTS)
    mine = (turn for turn, first in enumerate(LONGEST_FIRST) if file.is_relative_to(first))
    return next(mine, len(LONGEST_FIRST))


@pytest.fixture
def fell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Notes that an attack succeeded once its lock was away, and what then happened."""

    def note(what: str) -> None:
        record_property(FELL, what)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The attacks' table, where any was tried."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    outcomes = [
        (report.nodeid.rpartition("::")[2], report.passed, report.user_properties)
        for report in reports
        if report.when == "call"
    ]
    found = tally(outcomes)
    if found:
        seen = terminalreporter.isatty
        console = Console(file=io.StringIO(), force_terminal=terminalreporter.hasmarkup, width=None if seen else 132)
        with console.capture() as captured:
            console.print(table(found))
        terminalreporter.ensure_newline()
        terminalreporter.write(captured.get())


@pytest.fixture(scope="session")
def real_charts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RealCharts:
    official = request.config.getoption("charts") == "official"
    return RealCharts(official=official, into=tmp_path_factory.mktemp("charts"))

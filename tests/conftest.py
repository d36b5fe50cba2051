"""What runs beside what: tests that share a server stay in one process, and the longest begin first."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
LONGEST_FIRST = ("rehearsal", "live", "gamemaster", "workshop", "instances", "observability", "releases", "toolchain")
"""Folders of tests that wait for real servers most of the time."""
APART = ("rehearsal", "unit")
"""Folders in which each file can run in a process of its own."""


class FolderScheduling(LoadScopeScheduling):
    """Gives a process whole folders of tests."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        _, folder, *_ = file.split("/")
        return file if folder in APART else folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling:
    return FolderScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Sorting keeps the order within a folder.
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(TESTS).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

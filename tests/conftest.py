"""What runs beside what: tests that share a server stay together, and the longest begin first."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LONGEST_FIRST = ("rehearsal", "live", "gamemaster", "workshop", "instances", "observability", "releases", "toolchain")
"""Folders of tests that wait for real servers most of the time."""


def _group(item: pytest.Item) -> str:
    """The tests that one process takes, one after the other: a folder, or a file where each has servers of its own."""
    folder, *_ = parts = item.path.relative_to(TESTS).parts
    return f"{folder}/{parts[-1]}" if folder in {"rehearsal", "unit"} else folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    # Sorting keeps the order within a folder.
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(TESTS).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

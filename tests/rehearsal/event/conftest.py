"""One environment for the tests of this folder, which run in the order of an event: life, swap, the end."""

from __future__ import annotations

import os
import re
from collections.abc import Generator

import pytest

from tests.rehearsal.site import Rehearsal, begun


@pytest.fixture(scope="package")
def game() -> Generator[Rehearsal]:
    with begun(f"t{os.getpid()}-event") as game:
        yield game


@pytest.fixture(scope="package")
def raised(game: Rehearsal) -> str:
    """What the first `make rehearse` printed."""
    return game.command("up")


@pytest.fixture(scope="package")
def address(game: Rehearsal, raised: str) -> str:
    """The game master's public address, as the operator reads it."""
    [found] = re.findall(r"dig \+short @(\S+)", raised)
    return found

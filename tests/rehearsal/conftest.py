"""A rehearsal for each module of tests, taken down at the module's end whatever happened in it."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.rehearsal.site import Rehearsal, begun


@pytest.fixture(scope="module")
def game(request: pytest.FixtureRequest) -> Generator[Rehearsal]:
    short = request.path.stem.removeprefix("test_").replace("_", "-")[:8]
    with begun(f"t{os.getpid()}-{short}") as game:
        yield game

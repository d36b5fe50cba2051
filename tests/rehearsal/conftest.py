"""A rehearsal for each module of tests, taken down at the module's end whatever happened in it."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.rehearsal.site import Rehearsal


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Generator[Rehearsal]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        short = request.path.stem.removeprefix("test_").replace("_", "-")[:8]
        game = Rehearsal(f"t{os.getpid()}-{short}")
        try:
            yield game
        finally:
            if game.stands:
                game.command("down")

"""docs/destroy.md: an event ends by one command, with a backup, and is proven to be over."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rehearsal import engine
from tests.rehearsal.site import ROOT, Rehearsal, counts

pytestmark = pytest.mark.timeout(900)
SECONDS = 60
"""How long a destroy with its proof may take."""


def destroy(game: Rehearsal, data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    stack = engine.stack_name(game.session)
    return subprocess.run(
        [sys.executable, "-m", "cli", "destroy", stack, "--yes-destroy", engine.ENVIRONMENT, *options],
        cwd=ROOT,
        env={**os.environ, **engine.own_environment(game.session), "XDG_DATA_HOME": str(data)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_an_environment_that_is_protected_is_saved_and_destroyed_and_nothing_is_left(
    game: Rehearsal, tmp_path: Path
) -> None:
    game.command("up")
    game.up({"boards": {"blue": {**game.setting("boards")["blue"], "allowReplacement": False}}})
    began = time.monotonic()
    done = destroy(game, tmp_path)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout
    [archive] = (tmp_path / "shambhala" / "backups").iterdir()
    assert archive.stat().st_mode & 0o777 == 0o600
    assert "Nothing of the environment rehearsal is left at Scaleway." in done.stdout
    assert {kind: number for kind, number in game.ask_cloud("GET", "/rehearsal/state").items() if number} == {}
    assert seconds < SECONDS


def test_what_was_destroyed_is_raised_again_from_the_stack_that_was_kept(game: Rehearsal) -> None:
    assert counts(game.command("up")).keys() == {"create"}

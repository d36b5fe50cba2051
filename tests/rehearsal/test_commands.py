"""What the rehearsal's commands refuse before they do anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.run import at_work

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["up", "down"])
def test_two_commands_do_not_work_on_one_rehearsal(command: str) -> None:
    name = f"held-{os.getpid()}"
    with at_work(name):
        done = subprocess.run(
            [sys.executable, "-m", "rehearsal", command, "--name", name],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert f"Process {os.getpid()} is at work on the rehearsal '{name}'" in done.stdout
    with at_work(name):
        """It is free again."""

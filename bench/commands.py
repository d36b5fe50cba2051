"""The project's commands on a rehearsal's cloud, as an operator runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rehearsal import engine
from rehearsal.local_cloud import values_file
from rehearsal.session import Session


def init(session: Session) -> None:
    """Write a new environment's settings, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(engine.PROJECT / "Pulumi.yaml", folder)
        _cli(session, "init", "dev", "--values", str(values_file(session)), "--project", folder)


def doctor(session: Session) -> None:
    """Look for what would stop the rehearsal's own environment."""
    _cli(session, "doctor", engine.stack_name(session))


def destroy(session: Session) -> None:
    """Save, destroy and prove."""
    with tempfile.TemporaryDirectory() as data:
        _cli(session, "destroy", engine.stack_name(session), "--yes-destroy", engine.ENVIRONMENT, XDG_DATA_HOME=data)


COMMANDS: Final[Mapping[str, Callable[[Session], None]]] = {
    "init": init,
    "doctor": doctor,
    "destroy, with its proof": destroy,
}
LIMITS: Final[Mapping[str, float]] = {"init": 10, "doctor": 15, "destroy, with its proof": 60}
"""Seconds that each may take on two idle cores."""


def _cli(session: Session, *arguments: str, **variables: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=engine.PROJECT,
        env={**os.environ, **engine.own_environment(session), "PYTHONPATH": str(Path(engine.PROJECT)), **variables},
        stdin=subprocess.DEVNULL,
        check=True,
        capture_output=True,
    )

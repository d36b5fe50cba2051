"""Private files, and waiting for what gets ready in its own time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

START_SECONDS = 120


def write(file: Path, text: str) -> Path:
    """Write a file that root alone reads."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    return file


def kept(file: Path, make: Callable[[], str]) -> str:
    """The text of a file, made if it is not there."""
    if not file.exists():
        write(file, make())
    return file.read_text()


def wait(look: Callable[[], bool], alive: Callable[[], bool], what: str) -> None:
    """Return once `look` is true."""
    deadline = time.monotonic() + START_SECONDS
    while not look():
        if not alive() or time.monotonic() > deadline:
            raise SystemExit(f"{what} did not get ready")
        time.sleep(0.1)

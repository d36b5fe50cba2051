"""Tells the operator at once of images that no pod of a board can get, while the engine still waits for the pods."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console

from rehearsal.kapsule.absent_images import absent_images_file
from rehearsal.session import Session

_LOOK_AGAIN = 1.0
"""Seconds between two looks."""


def absent_images(session: Session) -> list[str]:
    """Image of each pod that waits for one now: which, why, and what to do."""
    files = (absent_images_file(cluster) for cluster in sorted((session.home / "kapsule").glob("*")))
    return [line for file in files if file.exists() for line in file.read_text().splitlines()]


@contextmanager
def telling_absent_images(session: Session, console: Console) -> Generator[None]:
    """Print each once while the block runs."""
    ended = threading.Event()
    told: set[str] = set()

    def tell() -> None:
        for line in absent_images(session):
            if line not in told:
                told.add(line)
                console.print("[red]error:[/]", end=" ")
                console.print(line, markup=False, soft_wrap=True)

    def watch() -> None:
        while not ended.wait(_LOOK_AGAIN):
            tell()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
        tell()

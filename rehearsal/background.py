"""Keeps the local cloud of a rehearsal running in the background."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rehearsal.processes import ProcessError, Processes
from rehearsal.server import ready_file
from rehearsal.session import Session, make

NAME = "cloud"
_START_SECONDS = 60


async def ensure_running(session: Session, programs: Path, pebble: Path) -> None:
    """Start the cloud unless it answers already, and wait until it does.

    Raises ProcessError with the end of its log when it does not come up within a minute.
    """
    processes = Processes(session)
    running = processes.get(NAME)
    if running and running.alive and ready_file(session).exists():
        return
    await processes.stop(NAME)
    ready_file(session).unlink(missing_ok=True)
    root = Path(__file__).parent.parent
    process = await processes.start(
        NAME, [sys.executable, "-m", "rehearsal.server", session.name, programs, pebble], env={"PYTHONPATH": str(root)}
    )
    for _ in range(_START_SECONDS * 10):
        if ready_file(session).exists():
            return
        if not process.alive:
            break
        await asyncio.sleep(0.1)
    raise ProcessError(
        f"The local cloud of {session.name!r} did not start. Its log {process.log} ends with:\n{processes.tail(NAME)}\n"
        f"Run '{make('rehearse-down', session.name)}', then '{make('rehearse', session.name)}' again."
    )


async def stop(session: Session) -> None:
    """End the cloud's process; the machines and clusters behind it stay until they are removed."""
    await Processes(session).stop(NAME, grace=20)
    ready_file(session).unlink(missing_ok=True)

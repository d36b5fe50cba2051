"""Keeps the local cloud of a rehearsal running in the background."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rehearsal.cloud import ready_file
from rehearsal.processes import ProcessError, Processes
from rehearsal.run import Run, make

NAME = "cloud"
_START_SECONDS = 60


async def ensure_running(run: Run, programs: Path, pebble: Path) -> None:
    """Start the cloud unless it answers already, and wait until it does.

    Raises ProcessError with the end of its log when it does not come up within a minute.
    """
    processes = Processes(run)
    running = processes.get(NAME)
    if running and running.alive and ready_file(run).exists():
        return
    await processes.stop(NAME)
    ready_file(run).unlink(missing_ok=True)
    root = Path(__file__).parent.parent
    process = await processes.start(
        NAME, [sys.executable, "-m", "rehearsal.cloud", run.name, programs, pebble], env={"PYTHONPATH": str(root)}
    )
    for _ in range(_START_SECONDS * 10):
        if ready_file(run).exists():
            return
        if not process.alive:
            break
        await asyncio.sleep(0.1)
    raise ProcessError(
        f"The local cloud of {run.name!r} did not start. Its log {process.log} ends with:\n{processes.tail(NAME)}\n"
        f"Run '{make('rehearse-down', run.name)}', then '{make('rehearse', run.name)}' again."
    )


async def stop(run: Run) -> None:
    """End the cloud's process; the machines and clusters behind it stay until they are removed."""
    await Processes(run).stop(NAME, grace=20)
    ready_file(run).unlink(missing_ok=True)

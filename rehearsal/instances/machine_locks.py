"""Locks on what all rehearsals of this host share: the Docker daemon and the base image."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import IO

from rehearsal.instances.docker import InstanceError
from rehearsal.session import SHARED

Progress = Callable[[str], None]
"""Takes one line for the operator: the current step and its progress."""


def silently(_line: str) -> None:
    """A Progress that shows nothing."""


def need_root() -> None:
    """Raise InstanceError for anybody but root."""
    if os.geteuid() != 0:
        raise InstanceError("Instances need root: they are containers with a real init. Run the command with sudo.")


@asynccontextmanager
async def locked(name: str, progress: Progress) -> AsyncGenerator[None]:
    """Hold a lock of this host; waits, and says so, while another process holds the lock."""
    with _lock_file(name) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"Waiting for another rehearsal that is busy with the {name}")
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield


def _lock_file(name: str) -> IO[str]:
    need_root()
    SHARED.mkdir(mode=0o700, parents=True, exist_ok=True)
    return (SHARED / f"{name.replace(' ', '-')}.lock").open("w")

"""Nothing that a test starts may outlive it, however the test ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from rehearsal.processes import started_at

# prctl(2): orphans below this process become its children, not those of process 1.
PR_SET_CHILD_SUBREAPER = 36
# How long a process that has been told to end may take before it counts as left behind, in seconds.
TIMEOUT = 60.0


@contextlib.contextmanager
def none_left() -> Generator[None]:
    """Fails if a process that was started meanwhile is still there at the end, and ends it."""
    before = children()
    _adopt_orphans(True)
    try:
        yield
        deadline = time.monotonic() + TIMEOUT
        while (left := _living(before)) and time.monotonic() < deadline:
            time.sleep(0.02)
        names = [_command_line(pid) for pid in left]
        while left := _living(before):
            for pid in left:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        if names:
            pytest.fail("The test left running: " + "; ".join(names))
    finally:
        _adopt_orphans(False)


def _adopt_orphans(wanted: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def _living(before: set[int]) -> list[int]:
    """The children that are new and run; those that have ended are reaped."""
    living: list[int] = []
    for pid in children() - before:
        if started_at(pid) is None:
            # Its own parent object may have waited for it meanwhile.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        else:
            living.append(pid)
    return living


def children() -> set[int]:
    """The processes that this one has started, from any of its threads."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.update(int(pid) for pid in file.read_text().split())
    return found


def _command_line(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip() or f"process {pid}"
    return f"process {pid}"

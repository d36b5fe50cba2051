"""The memory that a rehearsal takes, sampled while it does something."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import psutil

from rehearsal.processes import Processes
from rehearsal.session import Session

_EVERY = 0.5
"""Seconds between two samples."""


@dataclass
class Peak:
    """The most that was seen at once, in bytes of resident memory; what programs share counts once for each."""

    total: int = 0
    parts: dict[str, int] = field(default_factory=dict[str, int])
    """Name of a program to its share of `total`."""


@contextlib.contextmanager
def peak_of(session: Session) -> Generator[Peak]:
    """Watch a rehearsal's programs, its machines and this process with its children until the block ends."""
    peak, ended = Peak(), threading.Event()

    def watch() -> None:
        while not ended.wait(_EVERY):
            parts: dict[str, int] = {}
            for process in _processes(session):
                with contextlib.suppress(psutil.NoSuchProcess):
                    name = process.name()
                    parts[name] = parts.get(name, 0) + process.memory_info().rss
            if sum(parts.values()) > peak.total:
                peak.total, peak.parts = sum(parts.values()), parts

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def _processes(session: Session) -> Iterator[psutil.Process]:
    roots = [process.pid for process in Processes(session).recorded() if process.alive]
    for pid in {psutil.Process().pid, *roots, *_machines(session)}:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            yield process
            yield from process.children(recursive=True)


def _machines(session: Session) -> list[int]:
    listed = subprocess.run(
        ["docker", "container", "ls", "--quiet", "--filter", f"label={session.label}"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not listed:
        return []
    inspected = subprocess.run(
        ["docker", "container", "inspect", "--format", "{{.State.Pid}}", *listed],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [int(pid) for pid in inspected.split() if pid != "0"]

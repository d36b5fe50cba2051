"""The programs that a rehearsal starts, written down so that a crash leaves none behind.

Each is recorded with its process id and its start time before it is used: an id alone may by then
belong to somebody else's process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.session import Session


class ProcessError(Exception):
    """A program did not start, or ended at once; the text holds the end of its log."""


def started_at(pid: int) -> int | None:
    """Clock ticks since boot at which a process started, or None when there is no such process.

    Field 22 of /proc/<pid>/stat; a zombie counts as ended.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


@dataclass(frozen=True)
class Process:
    """One recorded program."""

    name: str
    pid: int
    started: int
    log: Path

    @property
    def alive(self) -> bool:
        return started_at(self.pid) == self.started


class Processes:
    """The programs of one rehearsal, each in a session of its own, logging to logs/<name>.log."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._records = session.home / "processes"
        self._records.mkdir(parents=True, exist_ok=True)
        # Kept so that the children are reaped: an unreaped child stays a zombie.
        self._children: dict[str, asyncio.subprocess.Process] = {}

    def recorded(self) -> list[Process]:
        found: list[Process] = []
        for file in sorted(self._records.glob("*.json")):
            data = json.loads(file.read_text())
            found.append(Process(file.stem, int(data["pid"]), int(data["started"]), self.log_of(file.stem)))
        return found

    def get(self, name: str) -> Process | None:
        return next((process for process in self.recorded() if process.name == name), None)

    def log_of(self, name: str) -> Path:
        return self._session.logs / f"{name}.log"

    async def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Process:
        """Start a program unless it runs already, and record it.

        env is added to this process's own environment.
        """
        running = self.get(name)
        if running and running.alive:
            return running
        log = self.log_of(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            child = await asyncio.create_subprocess_exec(
                *map(str, command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        started = started_at(child.pid)
        if started is None:
            await child.wait()
            raise ProcessError(f"{name} ended at once. Its log {log} ends with:\n{self.tail(name)}")
        self._children[name] = child
        record = self._records / f"{name}.json"
        record.write_text(json.dumps({"pid": child.pid, "started": started, "command": [str(c) for c in command]}))
        return Process(name, child.pid, started, log)

    def tail(self, name: str, lines: int = 15) -> str:
        """The last lines of a program's log."""
        log = self.log_of(name)
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"

    async def stop(self, name: str, grace: float = 5.0) -> None:
        """End a program: SIGTERM, then SIGKILL after `grace` seconds. Nothing happens if it is gone."""
        process = self.get(name)
        if process is None:
            return
        _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while process.alive and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        _signal(process, signal.SIGKILL)
        child = self._children.pop(name, None)
        if child:
            await child.wait()
        while process.alive:
            await asyncio.sleep(0.02)
        (self._records / f"{name}.json").unlink(missing_ok=True)

    async def stop_strays(self) -> None:
        """End every program that was started from the rehearsal's folder and that nobody recorded.

        These are plugins: the engine starts them from there, and one that is killed leaves them behind.
        """
        for pid in self.strays():
            # It may end between the look and the signal, which is what was wanted.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def strays(self) -> list[int]:
        """The process ids of programs that were started from the rehearsal's folder, zombies not counted."""
        found: list[int] = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            # It may have ended since it was listed.
            with contextlib.suppress(OSError):
                program = file.read_bytes().partition(b"\0")[0].decode(errors="replace")
                if program.startswith(f"{self._session.home}/"):
                    found.append(int(file.parent.name))
        return found

    async def stop_all(self, prefix: str = "", grace: float = 5.0) -> None:
        """End every recorded program whose name starts with the prefix, all at the same time."""
        names = [process.name for process in self.recorded() if process.name.startswith(prefix)]
        await asyncio.gather(*(self.stop(name, grace) for name in names))


def _signal(process: Process, number: signal.Signals) -> None:
    if process.alive:
        # It may end between the look and the signal, which is what was wanted.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

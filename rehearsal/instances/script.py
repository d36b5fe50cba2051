"""Runner of this folder's shell scripts, with a log of their output."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from rehearsal.instances.docker import InstanceError


async def run_script(
    command: Sequence[str | Path],
    log: Path,
    complaint: str,
    each_line: Callable[[str], None] | None = None,
) -> None:
    """Run a script to its end.

    Raises InstanceError, beginning with the complaint and ending with the log's last lines, when it
    fails. When the caller is interrupted, the script and all that it started are ended too.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout  # noqa: S101 (asked for above)
    try:
        with log.open("wb") as file:
            async for line in process.stdout:
                file.write(line)
                if each_line:
                    each_line(line.decode(errors="replace").rstrip())
        code = await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
    if code:
        raise InstanceError(f"{complaint}. See {log}, which ends with:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-8:])

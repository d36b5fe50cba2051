"""The Docker daemon: found, or installed from Debian's packages and started.

A daemon that a rehearsal started is ended by the last rehearsal that used it; one that was there
before is never touched. On a machine without systemd nobody else would end it.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from pathlib import Path

from rehearsal.instances import shared
from rehearsal.instances.docker import DockerError, InstanceError, docker, lines
from rehearsal.instances.script import run_script
from rehearsal.instances.shared import Progress
from rehearsal.processes import Process, Processes
from rehearsal.session import SHARED, Session

INSTALLER = Path(__file__).parent / "image" / "install-docker.sh"
START_LIMIT = 60.0
"""Seconds that the daemon may take to answer."""
STOP_GRACE = 30.0
"""Seconds that the daemon gets to end its own children."""


def _processes() -> Processes:
    return Processes(Session(name="docker", home=SHARED / "docker", slot=0))


def _claims() -> Path:
    return SHARED / "docker" / "claims"


def _claim(session: Session) -> Path:
    return _claims() / hashlib.sha256(str(session.home.resolve()).encode()).hexdigest()[:16]


def _claimed() -> bool:
    """Whether a rehearsal uses Docker. One whose folder is gone does not: it was deleted by hand."""
    return any(Path(claim.read_text()).exists() for claim in _claims().iterdir())


async def answers() -> bool:
    """Whether a Docker daemon answers."""
    try:
        await docker("version", "--format", "{{.Server.Version}}")
    except DockerError:
        return False
    return True


def can_exist() -> bool:
    """Whether this machine has what a daemon of its own needs; without it there is nothing to remove."""
    return shutil.which("docker") is not None and shutil.which("dockerd") is not None


async def provide(session: Session, progress: Progress) -> None:
    """Make a Docker daemon answer, and note that this rehearsal uses it.

    Raises InstanceError when Docker can neither be found nor installed nor started.
    """
    async with shared.locked("Docker daemon", progress):
        claim = _claim(session)
        claim.parent.mkdir(parents=True, exist_ok=True)
        claim.write_text(str(session.home.resolve()))
        if await answers():
            return
        if not can_exist():
            await _install(progress)
        # Where systemd runs, installing has started the daemon already.
        if not await answers():
            await _start(progress)


async def _install(progress: Progress) -> None:
    if shutil.which("apt-get") is None:
        raise InstanceError("Docker is not installed and this is not Debian: install Docker, then run this again.")
    progress("Docker: installing it from Debian's packages")
    await run_script([INSTALLER], SHARED / "docker" / "install.log", "Docker could not be installed")


async def _start(progress: Progress) -> None:
    programs = _processes()
    progress("Docker: starting the daemon")
    daemon = await programs.start("dockerd", ["dockerd"])
    deadline = time.monotonic() + START_LIMIT
    while not await answers():
        if not daemon.alive or time.monotonic() > deadline:
            said = programs.tail("dockerd")
            await programs.stop("dockerd", STOP_GRACE)
            raise InstanceError(f"The Docker daemon did not come up. Its log {daemon.log} ends with:\n{said}")
        await asyncio.sleep(0.2)


def started_here() -> Process | None:
    """The daemon that a rehearsal started, if it still runs."""
    if not _claims().exists():
        return None
    daemon = _processes().get("dockerd")
    return daemon if daemon and daemon.alive else None


async def release(session: Session) -> bool:
    """Say that this rehearsal no longer needs Docker; whether that ended the daemon.

    It ends only when a rehearsal started it, no other rehearsal claims it and no container runs.
    """
    if not _claims().exists():
        return False
    async with shared.locked("Docker daemon", shared.silently):
        _claim(session).unlink(missing_ok=True)
        if _claimed() or started_here() is None or await lines("container", "ls", "--quiet"):
            return False
        await _processes().stop("dockerd", STOP_GRACE)
        return True

"""Docker daemon of this host: found, or installed from Debian's packages and started.

A daemon that a rehearsal started is stopped by the last rehearsal that used it, because on a host without systemd
nobody else would. A daemon that ran before is never stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from pathlib import Path

from rehearsal.instances import machine_locks
from rehearsal.instances.docker import DockerError, InstanceError, docker, lines
from rehearsal.instances.machine_locks import Progress
from rehearsal.instances.script import run_script
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
    """Whether any rehearsal uses Docker; a claim whose folder was deleted by hand does not count."""
    return any(Path(claim.read_text()).exists() for claim in _claims().iterdir())


async def answers() -> bool:
    """Whether a Docker daemon answers."""
    try:
        await docker("version", "--format", "{{.Server.Version}}")
    except DockerError:
        return False
    return True


def can_exist() -> bool:
    """Whether Docker is installed; without it there is nothing to remove."""
    return shutil.which("docker") is not None and shutil.which("dockerd") is not None


async def provide(session: Session, progress: Progress) -> None:
    """Make a Docker daemon answer, and claim it for this rehearsal.

    Raises InstanceError when Docker can neither be found nor installed nor started.
    """
    async with machine_locks.locked("Docker daemon", progress):
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
    """Docker daemon that a rehearsal started, if it still runs."""
    if not _claims().exists():
        return None
    daemon = _processes().get("dockerd")
    return daemon if daemon and daemon.alive else None


async def release(session: Session) -> bool:
    """Give up this rehearsal's claim on Docker; returns whether that stopped the daemon.

    The daemon is stopped only where a rehearsal started it, no other rehearsal claims it and no container runs.
    """
    if not _claims().exists():
        return False
    async with machine_locks.locked("Docker daemon", machine_locks.silently):
        _claim(session).unlink(missing_ok=True)
        if _claimed() or started_here() is None or await lines("container", "ls", "--quiet"):
            return False
        await _processes().stop("dockerd", STOP_GRACE)
        return True

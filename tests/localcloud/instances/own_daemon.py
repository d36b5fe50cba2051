"""Plays two rehearsals on a machine where no Docker daemon runs; prints what became of the daemon.

Run by test_docker_daemon.py where /run and /var/lib/docker are empty and the network is separate.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from rehearsal.instances import docker_daemon
from rehearsal.instances.machine_locks import silently
from rehearsal.session import Session


async def main(folder: Path) -> None:
    first, second = (Session(name, folder / name, 10) for name in ("first", "second"))
    for session in (first, second):
        session.home.mkdir()
        await docker_daemon.provide(session, silently)
    daemon = docker_daemon.started_here()
    told = {
        "started": bool(daemon) and await docker_daemon.answers(),
        "ended by the first": await docker_daemon.release(first),
        "ended by the second": await docker_daemon.release(second),
        "still alive": daemon is not None and daemon.alive,
        "answers": await docker_daemon.answers(),
        "ended once more": await docker_daemon.release(second),
    }
    sys.stdout.write(json.dumps(told))


asyncio.run(main(Path(sys.argv[1])))

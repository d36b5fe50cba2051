"""Plays two rehearsals on a machine where no Docker daemon runs; prints what became of the daemon.

Run by test_docker_daemon.py where /run and /var/lib/docker are empty and the network is separate.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from rehearsal.instances import engine
from rehearsal.instances.shared import silently
from rehearsal.session import Session


async def main(folder: Path) -> None:
    first, second = (Session(name, folder / name, 10) for name in ("first", "second"))
    for session in (first, second):
        session.home.mkdir()
        await engine.provide(session, silently)
    daemon = engine.started_here()
    told = {
        "started": bool(daemon) and await engine.answers(),
        "ended by the first": await engine.release(first),
        "ended by the second": await engine.release(second),
        "still alive": daemon is not None and daemon.alive,
        "answers": await engine.answers(),
        "ended once more": await engine.release(second),
    }
    sys.stdout.write(json.dumps(told))


asyncio.run(main(Path(sys.argv[1])))

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from rehearsal import acme
from rehearsal.instances import Instances, leftovers, release, remove_all
from rehearsal.processes import Processes
from rehearsal.toolchain.catalogue import PEBBLE
from tests.gamemaster import games
from tests.gamemaster.games import Game
from tests.gamemaster.steps import Host, steps_of
from tests.instances.cloud import Cloud, new_run
from tests.tools import built


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def game(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Game]:
    """A game master on a fresh Debian, set up by the program's own steps."""
    folder: Path = tmp_path_factory.mktemp("gamemaster")
    run = new_run(folder / "home")
    instances = Instances(run)
    await instances.prepare(_tell)
    cloud = Cloud(run, instances)
    processes = Processes(run)
    authority = acme.Authority(run, processes, await asyncio.to_thread(built, PEBBLE))
    try:
        await authority.start(f"{cloud.address}:53")
        machine = cloud.machine()
        await cloud.boot(machine, games.DOORS)
        host = Host(await cloud.enter())
        settings = games.Settings(cloud.address, authority.directory, authority.own_certificate)
        steps = await asyncio.to_thread(steps_of, lambda: games.program(settings))
        await host.take(steps)
        yield Game(cloud, machine, host, authority, settings, steps)
        host.connection.close()
    finally:
        await authority.stop()
        await instances.close()
        await remove_all(run)
        assert await leftovers(run) == []
        await release(run)

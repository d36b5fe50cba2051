from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from common.versions import K3S
from gamemaster.rancher import SERVICE_IP
from rehearsal import acme
from rehearsal.charts import ChartRegistry
from rehearsal.instances import Instances, leftovers, release, remove_all
from rehearsal.k3s import Downloads, pack_helm, pack_k3s
from rehearsal.processes import Processes
from rehearsal.rancher import RancherStandIn
from rehearsal.rancher.rancher_server import PORT as RANCHER_PORT
from rehearsal.session import Block, Service, Session
from rehearsal.toolchain.catalogue import HELM, PEBBLE
from tests.gamemaster import games
from tests.gamemaster.games import Game
from tests.gamemaster.steps import Host, steps_of
from tests.localcloud.instances.cloud import Cloud, new_session
from tests.support.tools import built, tools


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _pack(downloads: Downloads, run: Session) -> None:
    rancher = (run.address(Block.SERVICES, Service.RANCHER), RANCHER_PORT)
    for name, version in (("k3s", K3S.version), ("newer-k3s", games.NEWER_K3S)):
        pack_k3s(downloads.folder / name, tools().control_plane, version, {(SERVICE_IP, 80): rancher})
    pack_helm(downloads.folder / "helm.tar.gz", built(HELM))


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def game(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Game]:
    """A game master on a fresh Debian, set up by the program's own steps."""
    folder: Path = tmp_path_factory.mktemp("gamemaster")
    run = new_session(folder / "home")
    instances = Instances(run)
    await instances.prepare(_tell)
    cloud = Cloud(run, instances)
    processes = Processes(run)
    authority = acme.Authority(run, processes, await asyncio.to_thread(built, PEBBLE))
    downloads, charts = Downloads(run), ChartRegistry(run)
    standin = RancherStandIn(run, initial_password=games.BOOTSTRAP_PASSWORD)
    started: list[Callable[[], Awaitable[None]]] = []
    try:
        await asyncio.to_thread(_pack, downloads, run)
        for server in (downloads, charts):
            await server.start()
            started.append(server.stop)
        await standin.start()
        started.append(standin.stop)
        await authority.start(f"{cloud.address}:53")
        await instances.create_network(games.PRIVATE, f"10.{run.slot}.12.0/24")
        machine = cloud.machine(networks={games.PRIVATE: f"10.{run.slot}.12.2"})
        await cloud.boot(machine, games.OPEN_PORTS)
        host = Host(await cloud.enter())
        environment = games.Environment(
            address=cloud.address,
            acme_directory=authority.directory,
            acme_ca_bundle=authority.own_certificate,
            k3s=downloads.file("k3s"),
            newer_k3s=downloads.file("newer-k3s"),
            helm=downloads.file("helm.tar.gz"),
            charts_url=charts.url,
        )
        steps = await asyncio.to_thread(steps_of, lambda: games.program(environment))
        await host.take(steps)
        yield Game(cloud, machine, host, authority, environment, steps)
        host.connection.close()
    finally:
        await authority.stop()
        for stop in started:
            await stop()
        await instances.close()
        await remove_all(run)
        assert await leftovers(run) == []
        await release(run)

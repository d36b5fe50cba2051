"""The local cloud of one rehearsal: one process that serves every stand-in and owns what they start.

`python -m rehearsal.server NAME PROGRAMS PEBBLE` runs it in the foreground; `rehearsal.background` runs it in
the background. PROGRAMS is the folder of the control plane's programs, PEBBLE the ACME server. Started
again after a crash it goes on with what the state files say.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import signal
import sys
from pathlib import Path

from rich.console import Console

from rehearsal.acme import Authority
from rehearsal.charts import ChartRegistry
from rehearsal.charts.module_charts import archives
from rehearsal.configuration import load_or_make_secrets
from rehearsal.images.image_registry import ImageRegistry
from rehearsal.instances import InstanceError, Instances, port_redirection
from rehearsal.k3s import Downloads
from rehearsal.kapsule import ControlPlanes
from rehearsal.nodes import provide
from rehearsal.nodes.choice import real_nodes
from rehearsal.processes import Processes
from rehearsal.rancher import RancherStandIn, agent_ready
from rehearsal.scaleway import Credentials, ScalewayApi
from rehearsal.session import Block, Session, find
from rehearsal.toolchain.tools import ToolchainError


async def serve(session: Session, programs: Path, pebble: Path) -> None:
    """Serve until SIGTERM or SIGINT; the machines and clusters behind it keep running."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Those of a crashed server lead to ports without a listener, and the packet filter takes the first that fits.
    await port_redirection.end_all(session.label)
    machines = Instances(session)
    processes = Processes(session)
    real = real_nodes(session)
    nodes = provide(programs, Console(stderr=True)) if real else None
    # Where pods run, publishers' own charts do, as far as they can be had.
    charts = await asyncio.to_thread(archives) if real else {}
    clusters = ControlPlanes(session, processes, programs, nodes)
    api = ScalewayApi(session, machines, clusters, Credentials.load_or_create(session))
    clusters.use(api)
    rancher = RancherStandIn(
        session, agent_ready(clusters.find), initial_password=load_or_make_secrets(session).rancher_bootstrap_password
    )
    # It asks the first machine of a rehearsal, which is its game master, for every proof.
    await Authority(session, processes, pebble).start(f"{session.address(Block.INSTANCES, 1)}:53")
    async with contextlib.AsyncExitStack() as open_servers:
        open_servers.push_async_callback(machines.close)
        open_servers.push_async_callback(clusters.close)
        for server in (ChartRegistry(session, charts), ImageRegistry(session), Downloads(session), rancher, api):
            await server.start()
            open_servers.push_async_callback(server.stop)
        ready_file(session).touch()
        await stop.wait()
        ready_file(session).unlink(missing_ok=True)


def ready_file(session: Session) -> Path:
    """Exists while the cloud answers."""
    return session.home / "cloud.ready"


def main() -> int:
    """Read the command line and do what it says; 0 when that worked."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.server", description=__doc__)
    parser.add_argument("name", help="name of a rehearsal that 'make rehearse' made")
    parser.add_argument("programs", type=Path, help="folder with etcd, kube-apiserver, kwok and the rest")
    parser.add_argument("pebble", type=Path, help="the ACME server's program")
    arguments = parser.parse_args()
    session = find(arguments.name)
    if session is None:
        print(f"There is no rehearsal {arguments.name!r}: make it with 'make rehearse'.", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve(session, arguments.programs, arguments.pebble))
    except (InstanceError, ToolchainError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"error: {error.strerror}: end what listens there; 'ss -ltnp' names it.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

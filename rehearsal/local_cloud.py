"""Raises the local cloud of a rehearsal, without the game: machines, servers, and an engine that knows of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from rehearsal import daemon, engine
from rehearsal.acme import Authority
from rehearsal.configuration import Sources, load_or_make_secrets, settings, write_private
from rehearsal.instances import Instances
from rehearsal.k3s import RANCHER_ADDRESS, Downloads, pack_helm, pack_k3s
from rehearsal.processes import Processes
from rehearsal.rancher.standin import PORT as RANCHER_PORT
from rehearsal.run import Block, Run, Service
from rehearsal.scaleway import Credentials
from rehearsal.toolchain.providing import lay_out
from rehearsal.toolchain.tools import Tools

K3S, HELM = "k3s", "helm.tar.gz"
"""Names of what the game master downloads."""


def open_cloud(run: Run, tools: Tools, console: Console) -> dict[str, Any]:
    """Bring the cloud up, and give the settings that lead an environment to it, for `init --values`."""
    asyncio.run(_prepare(run, tools, console))
    lay_out(tools, engine.home_of(run))
    engine.state_of(run).mkdir(exist_ok=True)
    engine.unlock(run)
    authority = Authority(run, Processes(run), tools.named("pebble").path)
    values = settings(
        run,
        load_or_make_secrets(run),
        Credentials.load_or_create(run),
        Sources(
            scaleway=f"http://{run.address(Block.SERVICES, Service.SCALEWAY_API)}:8080",
            charts=f"http://{run.address(Block.SERVICES, Service.CHARTS)}:8080",
            rancher=f"http://{run.address(Block.SERVICES, Service.RANCHER)}:{RANCHER_PORT}",
            acme_directory=authority.directory,
            acme_certificate=authority.own_certificate,
            k3s=Downloads(run).file(K3S),
            helm=Downloads(run).file(HELM),
        ),
    )
    write_private(values_file(run), json.dumps(values, indent=2))
    return values


def values_file(run: Run) -> Path:
    """The settings that lead an environment to the cloud, for `init --values`."""
    return run.home / "values.json"


async def _prepare(run: Run, tools: Tools, console: Console) -> None:
    await Instances(run).prepare(lambda line: console.print(f"  {line}", markup=False))
    console.print("Starting the local cloud")
    downloads = Downloads(run).folder
    await asyncio.to_thread(_pack, run, tools, downloads)
    await daemon.ensure_running(run, tools.control_plane, tools.named("pebble").path)


def _pack(run: Run, tools: Tools, folder: Path) -> None:
    """Make what the game master downloads, unless it is there: a packed file has its sums in the settings."""
    if not (folder / K3S).exists():
        rancher = (run.address(Block.SERVICES, Service.RANCHER), RANCHER_PORT)
        version = f"v{tools.named('control plane').version}+k3s1"
        pack_k3s(folder / K3S, tools.control_plane, version, {(RANCHER_ADDRESS, 80): rancher})
    if not (folder / HELM).exists():
        pack_helm(folder / HELM, tools.named("helm").path)

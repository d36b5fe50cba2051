"""Raises the local cloud of a rehearsal, without the game: machines, servers, and an engine that knows of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from rehearsal import background, engine
from rehearsal.acme import Authority
from rehearsal.configuration import Sources, load_or_make_secrets, settings, write_private
from rehearsal.images.choice import choose_images
from rehearsal.images.providing import provide_images
from rehearsal.instances import Instances, Mirrors
from rehearsal.k3s import RANCHER_ADDRESS, Downloads, pack_helm, pack_k3s
from rehearsal.nodes import provide as provide_node_programs
from rehearsal.nodes.choice import choose_nodes, real_nodes
from rehearsal.nodes.machine_image import provide as provide_node_image
from rehearsal.processes import Processes
from rehearsal.rancher.rancher_server import PORT as RANCHER_PORT
from rehearsal.scaleway import Credentials
from rehearsal.session import Block, Service, Session
from rehearsal.toolchain.providing import lay_out
from rehearsal.toolchain.tools import Tools

K3S, HELM = "k3s", "helm.tar.gz"
"""Names of what the game master downloads."""


def open_cloud(session: Session, tools: Tools, console: Console, *, teams: bool = True) -> dict[str, Any]:
    """Bring the cloud up, and give the settings that lead an environment to it, for `init --values`.

    teams: whether there may be teams, whose pods have images of their own.
    """
    asyncio.run(_prepare(session, tools, console, teams=teams))
    lay_out(tools, engine.home_of(session))
    engine.state_of(session).mkdir(exist_ok=True)
    engine.unlock(session)
    authority = Authority(session, Processes(session), tools.named("pebble").path)
    values = settings(
        session,
        load_or_make_secrets(session),
        Credentials.load_or_create(session),
        Sources(
            scaleway=f"http://{session.address(Block.SERVICES, Service.SCALEWAY_API)}:8080",
            charts=f"http://{session.address(Block.SERVICES, Service.CHARTS)}:8080",
            rancher=f"http://{session.address(Block.SERVICES, Service.RANCHER)}:{RANCHER_PORT}",
            acme_directory=authority.directory,
            acme_certificate=authority.own_certificate,
            k3s=Downloads(session).file(K3S),
            helm=Downloads(session).file(HELM),
        ),
    )
    write_private(values_file(session), json.dumps(values, indent=2))
    return values


def values_file(session: Session) -> Path:
    """The settings that lead an environment to the cloud, for `init --values`."""
    return session.home / "values.json"


async def _prepare(session: Session, tools: Tools, console: Console, *, teams: bool) -> None:
    choose_nodes(session)
    choose_images(session)

    def tell(line: str) -> None:
        console.print(f"  {line}", markup=False)

    await Instances(session).prepare(tell)
    if real_nodes(session):
        await asyncio.to_thread(provide_node_programs, tools.control_plane, console)
        await provide_node_image(Mirrors(), tell)
        await provide_images(session, console, teams=teams)
    console.print("Starting the local cloud")
    downloads = Downloads(session).folder
    await asyncio.to_thread(_pack, session, tools, downloads)
    await background.ensure_running(session, tools.control_plane, tools.named("pebble").path)


def _pack(session: Session, tools: Tools, folder: Path) -> None:
    """Make what the game master downloads, unless it is there: a packed file has its sums in the settings."""
    if not (folder / K3S).exists():
        rancher = (session.address(Block.SERVICES, Service.RANCHER), RANCHER_PORT)
        version = f"v{tools.named('control plane').version}+k3s1"
        pack_k3s(folder / K3S, tools.control_plane, version, {(RANCHER_ADDRESS, 80): rancher})
    if not (folder / HELM).exists():
        pack_helm(folder / HELM, tools.named("helm").path)

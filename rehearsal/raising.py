"""Raises a rehearsal: tool chain, machines, local cloud, then the program itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi import automation
from rich.console import Console

from rehearsal import daemon, deploy
from rehearsal.acme import Authority
from rehearsal.configuration import Sources, as_config, delivery, load_or_make_secrets, settings, write_private
from rehearsal.instances import Instances
from rehearsal.k3s import RANCHER_ADDRESS, Downloads, pack_helm, pack_k3s
from rehearsal.processes import Processes
from rehearsal.progress import EngineProgress
from rehearsal.rancher.standin import PORT as RANCHER_PORT
from rehearsal.report import Report
from rehearsal.run import Block, Run, Service
from rehearsal.scaleway import Credentials
from rehearsal.toolchain.providing import lay_out, provide
from rehearsal.toolchain.tools import Tools

K3S, HELM = "k3s", "helm.tar.gz"
"""Names of what the game master downloads."""


def raise_everything(run: Run, console: Console, changes: dict[str, Any] | None = None, *, teams: int = 0) -> Report:
    """Bring a rehearsal to what the program says, from whatever state it is in.

    changes: settings that replace the rehearsal's own.
    teams: how many teams get their spaces, source control and delivery; 0 leaves all of that out.
    Raises the errors of `rehearsal.trouble`, each with what to do next.
    """
    console.print(f"Rehearsal [bold]{run.name}[/] on 127.{run.slot}.0.0/16, kept in {run.home}", soft_wrap=True)
    began = time.monotonic()
    deploy.importing()
    tools = provide(console)
    tooled = time.monotonic()
    stack = open_cloud(run, tools, console, changes, teams=teams)
    ready = time.monotonic()
    console.print("Raising the game (the program itself, by the real engine)")
    progress = EngineProgress(console)
    changed = deploy.up(stack, progress)
    outputs = deploy.outputs(stack)
    _leave_keys(run, outputs)
    return Report(
        run=run,
        tools=tools,
        outputs=outputs,
        changes=changed,
        parts={
            "tool chain": tooled - began,
            "local cloud": ready - tooled,
            "program": time.monotonic() - ready,
        },
        resources=progress.seconds,
        began=progress.began,
    )


def open_cloud(
    run: Run,
    tools: Tools,
    console: Console,
    changes: dict[str, Any] | None = None,
    *,
    teams: int = 0,
    program: automation.PulumiFn = deploy.program,
) -> automation.Stack:
    """A running local cloud, and the stack that is to be raised on it."""
    asyncio.run(_prepare(run, tools, console))
    engine_home = run.home / "engine"
    lay_out(tools, engine_home)
    own = load_or_make_secrets(run)
    account = Credentials.load_or_create(run)
    authority = Authority(run, Processes(run), tools.named("pebble").path)
    values = settings(
        run,
        own,
        account,
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
    if teams:
        values |= delivery(own, teams)
    write_private(run.home / "operator_key", own.operator.private)
    stack = deploy.open_stack(run, engine_home, as_config({**values, **(changes or {})}), program)
    deploy.unlock(stack)
    return stack


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


def _leave_keys(run: Run, outputs: Mapping[str, Any]) -> None:
    """Write what the printed commands need: the board's kubeconfig, the host key to expect, and what was given out."""
    write_private(run.home / "kubeconfig", str(outputs["kubeconfig"]))
    write_private(run.home / "outputs.json", json.dumps(outputs))
    host_key = load_or_make_secrets(run).host.public
    (run.home / "known_hosts").write_text(f"{outputs['game_master_ip']} {host_key}\n")

"""Takes a rehearsal down, in any state, and looks for what might be left."""

from __future__ import annotations

import asyncio

from pulumi.automation import CommandError
from rich.console import Console

from rehearsal import daemon, deploy
from rehearsal.asking import billed
from rehearsal.instances import leftovers, release, remove_all
from rehearsal.processes import ProcessError, Processes
from rehearsal.progress import EngineProgress
from rehearsal.raising import open_cloud
from rehearsal.run import Run
from rehearsal.run import release as give_back
from rehearsal.toolchain.providing import provide
from rehearsal.toolchain.tools import ToolchainError


def remove_everything(run: Run, console: Console) -> list[str]:
    """Destroy the game through the engine, end the local cloud, and name whatever is still there.

    A destroy that fails, or that leaves something at Scaleway, is reported; what it left is removed
    from below, for the cloud is ours.
    """
    left = _destroy(run, console)
    left += asyncio.run(_remove_cloud(run, console))
    if not left:
        give_back(run)
    return left


def _destroy(run: Run, console: Console) -> list[str]:
    if not (run.home / "pulumi").exists():
        return []
    console.print("Destroying the game (the real engine)")
    try:
        stack = open_cloud(run, provide(console), console)
        stack.destroy(on_event=EngineProgress(console), color="never", show_secrets=False)
        _tell_leaks(run, console)
        return [f"resource {resource['urn']}" for resource in deploy.resources_in_state(stack)]
    except (CommandError, ProcessError, ToolchainError) as error:
        console.print(f"[yellow]The engine could not destroy it:[/] {error}", soft_wrap=True)
        console.print("What it left is removed from below.")
        return []


def _tell_leaks(run: Run, console: Console) -> None:
    leaks = billed(run)
    if leaks:
        what = ", ".join(f"{number} {kind}" for kind, number in leaks.items())
        console.print(
            f"[yellow]The engine destroyed all that it knew of; at Scaleway this would still be billed:[/] {what}. "
            "After an update that was killed, 'make recover STACK=…' adopts such things.",
            soft_wrap=True,
        )


async def _remove_cloud(run: Run, console: Console) -> list[str]:
    console.print("Ending the local cloud")
    processes = Processes(run)
    await daemon.stop(run)
    await processes.stop_all()
    await processes.stop_strays()
    await remove_all(run)
    left = [f"process {process.name} ({process.pid})" for process in processes.recorded() if process.alive]
    left += [f"process {pid}" for pid in processes.strays()]
    left += await leftovers(run)
    await release(run)
    return left

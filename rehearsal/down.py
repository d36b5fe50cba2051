"""Takes a rehearsal down, in any state, and looks for what might be left."""

from __future__ import annotations

import asyncio

from pulumi.automation import CommandError
from rich.console import Console
from rich.markup import escape

from rehearsal import background, engine, stack_file
from rehearsal.api_client import billed
from rehearsal.instances import InstanceError, leftovers, release, remove_all
from rehearsal.nodes.leftovers import node_leftovers, remove_node_volumes
from rehearsal.processes import ProcessError, Processes
from rehearsal.progress import EngineProgress
from rehearsal.session import Session, SessionError
from rehearsal.session import release as give_back
from rehearsal.toolchain.providing import provide
from rehearsal.toolchain.tools import ToolchainError
from rehearsal.up import open_stack


def remove_everything(session: Session, console: Console) -> list[str]:
    """Destroy the game through the engine, end the local cloud, and name whatever is still there.

    A destroy that fails, or that leaves something at Scaleway, is reported; what it left is removed
    from below, for the cloud is ours.
    """
    left = _destroy(session, console)
    _tell_other_stacks(session, console)
    left += asyncio.run(_remove_cloud(session, console))
    if not left:
        stack_file.remove(session)
        give_back(session)
    return left


def _destroy(session: Session, console: Console) -> list[str]:
    if engine.stack_name(session) not in engine.stacks(session):
        return []
    console.print("Destroying the game (the real engine)")
    try:
        stack = open_stack(session, provide(console), console)
        stack.destroy(on_event=EngineProgress(console), color="never", show_secrets=False)
        left = [f"resource {resource['urn']}" for resource in engine.resources_in_state(stack)]
    except (CommandError, InstanceError, ProcessError, SessionError, ToolchainError) as error:
        console.print(f"[yellow]The engine could not destroy it:[/] {escape(str(error))}", soft_wrap=True)
        console.print("What it left is removed from below.")
        return []
    if engine.stacks(session) == [engine.stack_name(session)]:
        _tell_leaks(session, console)
    return left


def _tell_leaks(session: Session, console: Console) -> None:
    leaks = billed(session)
    if leaks:
        what = ", ".join(f"{number} {kind}" for kind, number in leaks.items())
        console.print(
            f"[yellow]The engine destroyed all that it knew of; at Scaleway this would still be billed:[/] {what}. "
            "After an update that was killed, 'make recover STACK=…' adopts such things.",
            soft_wrap=True,
        )


def _tell_other_stacks(session: Session, console: Console) -> None:
    """Name the stacks that an operator raised on the cloud (`make cloud`): nothing of them outlives it."""
    for name in engine.stacks(session):
        if name != engine.stack_name(session):
            console.print(
                f"[yellow]Stack {name} goes with the cloud that it was raised on,[/] and the passphrase of its secrets "
                f"too: undo what 'init' wrote into Pulumi.{name}.yaml.",
                soft_wrap=True,
            )


async def _remove_cloud(session: Session, console: Console) -> list[str]:
    console.print("Ending the local cloud")
    processes = Processes(session)
    await background.stop(session)
    await processes.stop_all()
    await processes.stop_strays()
    await remove_all(session)
    await remove_node_volumes(session)
    left = [f"process {process.name} ({process.pid})" for process in processes.recorded() if process.alive]
    left += [f"process {pid}" for pid in processes.strays()]
    left += await leftovers(session)
    left += await node_leftovers(session)
    await release(session)
    return left

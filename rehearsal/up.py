"""Raises a rehearsal: tool chain, local cloud, the stack's file, then the program itself by the engine's CLI."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from pulumi import automation
from rich.console import Console

from rehearsal import engine, stack_file
from rehearsal.configuration import delivery, load_or_make_secrets, write_private
from rehearsal.local_cloud import open_cloud
from rehearsal.progress import EngineProgress
from rehearsal.report import Report
from rehearsal.run import Run
from rehearsal.toolchain.providing import provide
from rehearsal.toolchain.tools import Tools


def raise_everything(run: Run, console: Console, changes: Mapping[str, Any] | None = None, *, teams: int = 0) -> Report:
    """Bring a rehearsal to what the program says, from whatever state it is in.

    changes: settings that replace the rehearsal's own.
    teams: how many teams get their spaces, source control and delivery; 0 leaves all of that out.
    Raises the errors of `rehearsal.trouble`, each with what to do next.
    """
    tell_where(run, console)
    began = time.monotonic()
    tools = provide(console)
    tooled = time.monotonic()
    stack = open_stack(run, tools, console, changes, teams=teams)
    ready = time.monotonic()
    console.print("Raising the game (the program itself, by the real engine)")
    progress = EngineProgress(console)
    changed = engine.update(stack, progress)
    outputs = engine.outputs(stack)
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


def tell_where(run: Run, console: Console) -> None:
    """Say which rehearsal this is, and where it is kept."""
    console.print(f"Rehearsal [bold]{run.name}[/] on 127.{run.slot}.0.0/16, kept in {run.home}", soft_wrap=True)


def open_stack(
    run: Run, tools: Tools, console: Console, changes: Mapping[str, Any] | None = None, *, teams: int = 0
) -> automation.Stack:
    """A running local cloud, and the stack to be raised on it. Raises RunError for a setting that is refused."""
    values = open_cloud(run, tools, console)
    added = delivery(load_or_make_secrets(run), teams) if teams else {}
    console.print("Writing the settings (the project's own 'init')")
    stack_file.write(run, values, {**added, **(changes or {})})
    write_private(run.home / "operator_key", stack_file.settings(run)["operators"]["sshPrivateKey"])
    return engine.stack(run)


def _leave_keys(run: Run, outputs: Mapping[str, Any]) -> None:
    """Write what the printed commands need: the board's kubeconfig, the host key to expect, and what was given out."""
    write_private(run.home / "kubeconfig", str(outputs["kubeconfig"]))
    write_private(run.home / "outputs.json", json.dumps(outputs))
    host_key = stack_file.settings(run)["gamemaster"]["hostKey"]["public"]
    (run.home / "known_hosts").write_text(f"{outputs['game_master_ip']} {host_key}\n")

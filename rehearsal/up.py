"""Raises a rehearsal: tool chain, local cloud, the stack's file, then the program itself by the engine's CLI."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from pulumi import automation
from rich.console import Console

from rehearsal import engine, stack_file
from rehearsal.absent_images_watch import telling_absent_images
from rehearsal.configuration import delivery, load_or_make_secrets, write_private
from rehearsal.local_cloud import open_cloud
from rehearsal.progress import EngineProgress
from rehearsal.report import Report
from rehearsal.session import Session
from rehearsal.toolchain.providing import provide
from rehearsal.toolchain.tools import Tools


def raise_everything(
    session: Session, console: Console, changes: Mapping[str, Any] | None = None, *, teams: int = 0
) -> Report:
    """Bring a rehearsal to what the program says, from whatever state it is in.

    changes: settings that replace the rehearsal's own.
    teams: how many teams get their spaces, source control and delivery; 0 leaves all of that out.
    Raises the errors of `rehearsal.errors`, each with what to do next.
    """
    tell_where(session, console)
    began = time.monotonic()
    tools = provide(console)
    tooled = time.monotonic()
    stack = open_stack(session, tools, console, changes, teams=teams)
    ready = time.monotonic()
    console.print("Raising the game (the program itself, by the real engine)")
    progress = EngineProgress(console)
    with telling_absent_images(session, console):
        changed = engine.update(stack, progress)
    outputs = engine.outputs(stack)
    _leave_keys(session, outputs)
    return Report(
        session=session,
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


def tell_where(session: Session, console: Console) -> None:
    """Say which rehearsal this is, and where it is kept."""
    console.print(
        f"Rehearsal [bold]{session.name}[/] on 127.{session.slot}.0.0/16, kept in {session.home}", soft_wrap=True
    )


def open_stack(
    session: Session, tools: Tools, console: Console, changes: Mapping[str, Any] | None = None, *, teams: int = 0
) -> automation.Stack:
    """A running local cloud, and the stack to be raised on it. Raises SessionError for a setting that is refused."""
    values = open_cloud(session, tools, console, teams=teams > 0)
    added = delivery(load_or_make_secrets(session), teams) if teams else {}
    console.print("Writing the settings (the project's own 'init')")
    stack_file.write(session, values, {**added, **(changes or {})})
    write_private(session.home / "operator_key", stack_file.settings(session)["operators"]["sshPrivateKey"])
    return engine.stack(session)


def _leave_keys(session: Session, outputs: Mapping[str, Any]) -> None:
    """Write what the printed commands need: the board's kubeconfig, the host key to expect, and what was given out."""
    write_private(session.home / "kubeconfig", str(outputs["kubeconfig"]))
    write_private(session.home / "outputs.json", json.dumps(outputs))
    host_key = stack_file.settings(session)["gamemaster"]["hostKey"]["public"]
    (session.home / "known_hosts").write_text(f"{outputs['game_master_ip']} {host_key}\n")

"""Runs the unchanged program through the real Pulumi engine, against a rehearsal's cloud."""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import runpy
import secrets
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from pulumi import automation, log

from rehearsal.run import Run

PROJECT = "shambhala"
STACK = "rehearsal"
PACKAGES = ("pulumi_rancher2", "pulumiverse_scaleway", "gamemaster", "board", "observability", "game_app")
"""What the program imports: the providers' packages that take longest, and its own."""
_ROOT = Path(__file__).parent.parent


class Workspace(automation.LocalWorkspace):
    """Gives no outputs: the SDK's `up` would read them twice at its end, and take half a second for it."""

    def stack_outputs(self, stack_name: str) -> automation.OutputMap:
        """Nothing; `outputs` reads them, once."""
        return {}


def program() -> None:
    """The project's own __main__.py, run as Pulumi's language host would."""
    runpy.run_path(str(_ROOT / "__main__.py"), run_name="__main__")


def open_stack(
    run: Run, engine_home: Path, config: Mapping[str, automation.ConfigValue], given: automation.PulumiFn = program
) -> automation.Stack:
    """The rehearsal's stack, with its state in the rehearsal's folder.

    engine_home: PULUMI_HOME, with the engine as bin/pulumi and the plugins in plugins/.
    config: the stack's settings; keys have the project's prefix.
    given: the program; another than the project's own is for measuring a part of it.
    """

    def imported() -> None:
        importing().join()
        # Each registration would wait for the engine to take several lines that it then throws away: a second in all.
        log.__dict__["debug"] = _nobody_listens
        given()

    state = run.home / "pulumi"
    state.mkdir(exist_ok=True)
    workspace = Workspace(
        work_dir=str(state),
        pulumi_home=str(engine_home),
        program=imported,
        pulumi_command=automation.PulumiCommand(root=str(engine_home), skip_version_check=True),
        project_settings=automation.ProjectSettings(
            name=PROJECT,
            runtime="python",
            main=str(_ROOT),
            # Without the sidecar of attributes: it is not written at once, and a killed engine may leave an empty one,
            # which the next takes for an unreadable state (gocloud.dev/blob/fileblob, setAttrs).
            backend=automation.ProjectBackend(url=f"file://{state}?metadata=skip"),
        ),
        env_vars={
            "PULUMI_CONFIG_PASSPHRASE": _passphrase(run),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # What is not there is built by the tool chain, not fetched behind its back.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
    )
    stack = automation.Stack.create_or_select(STACK, workspace)
    _write_settings(stack, run, config)
    return stack


@cache
def importing() -> threading.Thread:
    """Imports what the program will, a second's work, beside the waiting for Docker and for the engine's start."""
    thread = threading.Thread(target=_import)
    thread.start()
    return thread


def _import() -> None:
    for package in PACKAGES:
        importlib.import_module(package)
    # Their hundred thousand objects stay to the end; the collector would walk them again and again, for a second.
    gc.freeze()


def _nobody_listens(*_: object, **__: object) -> None:
    """Takes a line of the SDK's debugging."""


def _write_settings(stack: automation.Stack, run: Run, config: Mapping[str, automation.ConfigValue]) -> None:
    """Write the stack's settings unless it has these very ones: encrypting them takes as long as a small update."""
    mark = run.home / "settings.sha256"
    digest = hashlib.sha256(json.dumps(config, default=vars, sort_keys=True).encode()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return
    mark.unlink(missing_ok=True)
    stack.set_all_config(dict(config))
    mark.write_text(digest)


def unlock(stack: automation.Stack) -> None:
    """Take away the lock of an engine that was killed; only ours ever writes this state."""
    for lock in (Path(stack.workspace.work_dir) / ".pulumi" / "locks").rglob("*.json"):
        holder = json.loads(lock.read_text())
        if not Path(f"/proc/{holder['pid']}").exists():
            lock.unlink()


def up(stack: automation.Stack, on_event: Callable[[automation.EngineEvent], object] | None = None) -> dict[str, int]:
    """Raise the stack; operation to number of resources. Raises automation.CommandError."""
    # The summary would show the settings, for which the engine would decrypt them once more.
    summary = stack.up(on_event=on_event, color="never", show_secrets=False).summary
    # The SDK's type promises an enum and gives text.
    numbers = cast("Mapping[str, int]", summary.resource_changes or {})
    return {str(operation): number for operation, number in numbers.items()}


def outputs(stack: automation.Stack) -> dict[str, Any]:
    """The stack's outputs, the secret ones too."""
    workspace = stack.workspace
    read = workspace.pulumi_command.run(
        ["stack", "output", "--json", "--show-secrets", "--stack", stack.name],
        workspace.work_dir,
        {**workspace.env_vars, "PULUMI_HOME": workspace.pulumi_home or ""},
    )
    return json.loads(read.stdout)


def resources_in_state(stack: automation.Stack) -> list[Mapping[str, Any]]:
    """What the engine believes to exist."""
    deployment = cast("dict[str, Any]", stack.export_stack().deployment or {})
    return cast("list[Mapping[str, Any]]", deployment.get("resources", []))


def _passphrase(run: Run) -> str:
    file = run.home / "passphrase"
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(32))
    return file.read_text()

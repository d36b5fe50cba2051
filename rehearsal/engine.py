"""The engine's own CLI on this project, for one rehearsal: the road that an operator takes to Scaleway.

The project file and the program are the project's own; the stack's file is `stack_file`'s. State, passphrase and
plugins are in the rehearsal's folder. The automation API starts the CLI and tells of its events.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from pulumi import automation

from rehearsal.session import DEFAULT_NAME, Session

PROJECT: Final = Path(__file__).parent.parent
ENVIRONMENT: Final = "rehearsal"
"""Which of the project's environments a rehearsal is."""
_READING: Final = frozenset({"read", "read-replacement", "discard", "discard-replaced"})
"""The engine's operations on what a program reads and does not make: no change of anything."""


def stack_name(session: Session) -> str:
    """`rehearsal` for the rehearsal of the default name, `rehearsal-NAME` for another."""
    return ENVIRONMENT if session.name == DEFAULT_NAME else f"{ENVIRONMENT}-{session.name}"


def home_of(session: Session) -> Path:
    """PULUMI_HOME, with the engine as bin/pulumi and the plugins in plugins/."""
    return session.home / "engine"


def state_of(session: Session) -> Path:
    """The folder of the backend, which holds the states of all stacks that are raised on the rehearsal's cloud."""
    return session.home / "pulumi"


def stacks(session: Session) -> list[str]:
    """The names of all stacks that have a state on the rehearsal's cloud."""
    return sorted(file.stem for file in (state_of(session) / ".pulumi" / "stacks").glob("*/*.json"))


def environment(session: Session) -> dict[str, str]:
    """The variables with which `pulumi` and the project's commands work on a rehearsal's cloud."""
    return {
        "PATH": f"{home_of(session) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(home_of(session)),
        # Without the sidecar of attributes: it is not written at once, and a killed engine may leave an empty one,
        # which the next takes for an unreadable state (gocloud.dev/blob/fileblob, setAttrs).
        "PULUMI_BACKEND_URL": f"file://{state_of(session)}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase_file(session)),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # What is not there is built by the tool chain, not fetched behind its back.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def own_environment(session: Session) -> dict[str, str]:
    """The variables for a command that this process starts, whatever passphrase its own environment holds."""
    return {**environment(session), "PULUMI_CONFIG_PASSPHRASE": _passphrase_file(session).read_text()}


class Workspace(automation.LocalWorkspace):
    """Spares what the SDK would ask the engine for and nobody needs, half a second each."""

    def select_stack(self, stack_name: str) -> None:
        """Nothing: every command names the stack, and `stack_file` made it."""

    def stack_outputs(self, stack_name: str) -> automation.OutputMap:
        """Nothing; `outputs` reads them, once."""
        return {}


def stack(session: Session) -> automation.Stack:
    """The rehearsal's stack, which its settings have been written for."""
    workspace = Workspace(
        work_dir=str(PROJECT),
        pulumi_home=str(home_of(session)),
        pulumi_command=automation.PulumiCommand(root=str(home_of(session)), skip_version_check=True),
        env_vars=own_environment(session),
    )
    return automation.Stack.select(stack_name(session), workspace)


def unlock(session: Session) -> None:
    """Take away the lock of an engine that was killed; only ours ever writes this state."""
    for lock in (state_of(session) / ".pulumi" / "locks").rglob("*.json"):
        holder = json.loads(lock.read_text())
        if not Path(f"/proc/{holder['pid']}").exists():
            lock.unlink()


def update(
    stack: automation.Stack, on_event: Callable[[automation.EngineEvent], object] | None = None
) -> dict[str, int]:
    """Raise the stack; operation to number of resources. Raises automation.CommandError."""
    # The summary would show the settings, for which the engine would decrypt them once more.
    summary = stack.up(on_event=on_event, color="never", show_secrets=False).summary
    # The SDK's type promises an enum and gives text.
    numbers = cast("Mapping[str, int]", summary.resource_changes or {})
    return {str(operation): number for operation, number in numbers.items() if operation not in _READING}


def outputs(stack: automation.Stack) -> dict[str, Any]:
    """The stack's outputs, the secret ones too."""
    return _asked(stack, "stack", "output")


def settings(stack: automation.Stack) -> dict[str, Any]:
    """The settings in the stack's file, the secret ones too."""
    found: dict[str, dict[str, Any]] = _asked(stack, "config")
    own = {key.partition(":")[2]: entry for key, entry in found.items() if not key.startswith("pulumi:")}
    return {key: entry.get("objectValue", entry.get("value")) for key, entry in own.items()}


def _asked(stack: automation.Stack, *command: str) -> dict[str, Any]:
    workspace = stack.workspace
    asked = workspace.pulumi_command.run(
        [*command, "--json", "--show-secrets", "--stack", stack.name],
        workspace.work_dir,
        {**workspace.env_vars, "PULUMI_HOME": workspace.pulumi_home or ""},
    )
    return json.loads(asked.stdout)


def resources_in_state(stack: automation.Stack) -> list[Mapping[str, Any]]:
    """What the engine believes to exist."""
    deployment = cast("dict[str, Any]", stack.export_stack().deployment or {})
    return cast("list[Mapping[str, Any]]", deployment.get("resources", []))


def _passphrase_file(session: Session) -> Path:
    file = session.home / "passphrase"
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(32))
    return file

"""The real Pulumi engine with the stand-in plugins, on a folder of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from signal import Signals
from typing import Any, cast

from pulumi import automation as auto

from rehearsal.plugins.install import VERSIONS, install
from tests.localcloud.plugins.leftovers import children


class Workspace(auto.LocalWorkspace):
    """Gives outputs only when `stored_outputs` is asked: `up` asks each time, which takes as long as the update."""

    def stack_outputs(self, stack_name: str) -> auto.OutputMap:
        return {}

    def stored_outputs(self, stack_name: str) -> auto.OutputMap:
        return super().stack_outputs(stack_name)


class Engine:
    """One stack on a file backend; `up` and the rest act on whatever `program` is set.

    printed: what the engine has printed so far, warnings and errors included.
    """

    def __init__(self, folder: Path, command: auto.PulumiCommand) -> None:
        self.program: Callable[[], None] = _nothing
        self.printed: list[str] = []
        home = folder / "home"
        for name in VERSIONS:
            install(home, name)
        state = folder / "state"
        state.mkdir()
        self._file = state / ".pulumi/stacks/project/test.json"
        self._workspace = Workspace(
            program=self._run,
            project_settings=auto.ProjectSettings(name="project", runtime="python"),
            pulumi_home=str(home),
            pulumi_command=command,
            env_vars={
                "PULUMI_BACKEND_URL": f"file://{state}",
                "PULUMI_CONFIG_PASSPHRASE": "test",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
        )
        self._stack = auto.Stack.create("test", self._workspace)

    def _run(self) -> None:
        self.program()

    def up(self, program: Callable[[], None] | None = None) -> dict[str, int]:
        """Runs `up` and returns how many resources it created, updated, …"""
        self.program = program or self.program
        return _counts(self._stack.up(**self._quietly()).summary)

    def preview(self, program: Callable[[], None] | None = None) -> dict[str, int]:
        self.program = program or self.program
        changes = self._stack.preview(on_output=self._print, on_error=self._print, color="never").change_summary
        return {str(getattr(kind, "value", kind)): count for kind, count in changes.items()}

    def refresh(self, *targets: str) -> dict[str, int]:
        """Of the resources with those URNs, or of all."""
        return _counts(self._stack.refresh(target=[*targets] or None, **self._quietly()).summary)

    def destroy(self) -> dict[str, int]:
        return _counts(self._stack.destroy(**self._quietly()).summary)

    def _quietly(self) -> dict[str, Any]:
        return {"on_output": self._print, "on_error": self._print, "color": "never", "show_secrets": False}

    def _print(self, text: str) -> None:
        self.printed.append(text)

    def warnings(self) -> list[str]:
        """The lines in which the engine or a plugin warns of anything."""
        return [line for text in self.printed for line in text.splitlines() if "warn" in line.lower()]

    def signal(self, number: Signals) -> None:
        """Signals the engine that is running now, in another thread."""
        executable = Path(self._workspace.pulumi_command.command).resolve()
        [engine] = [pid for pid in children() if Path(f"/proc/{pid}/exe").resolve() == executable]
        os.kill(engine, number)

    def outputs(self) -> dict[str, tuple[Any, bool]]:
        """Each output's value, and whether it is secret."""
        return {
            name: (output.value, output.secret)
            for name, output in self._workspace.stored_outputs(self._stack.name).items()
        }

    def state(self) -> str:
        """The state as it lies on the disk, as JSON."""
        return self._file.read_text()

    def resource(self, token: str) -> dict[str, Any]:
        """The only resource of that type in the state."""
        resources = json.loads(self.state())["checkpoint"]["latest"]["resources"]
        found = [entry for entry in resources if entry["type"] == token]
        assert len(found) == 1
        return found[0]


def _counts(summary: auto.UpdateSummary) -> dict[str, int]:
    changes = cast("dict[object, int]", summary.resource_changes or {})
    return {str(getattr(kind, "value", kind)): count for kind, count in changes.items()}


def _nothing() -> None:
    """A program without a resource."""

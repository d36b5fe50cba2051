"""The real Pulumi engine with the stand-in plugins, on a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from pulumi import automation as auto

from rehearsal.plugins.install import VERSIONS, install


def engine_binary() -> Path:
    """$SHAMBHALA_PULUMI, else the engine in the tool chain's cache, else the one on PATH; or the test is skipped."""
    given = os.environ.get("SHAMBHALA_PULUMI")
    if given:
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shambhala"
    built = [file for file in cache.rglob("pulumi") if file.is_file() and os.access(file, os.X_OK)]
    if built:
        return max(built, key=lambda file: file.stat().st_mtime)
    found = shutil.which("pulumi")
    if found:
        return Path(found)
    pytest.skip("There is no Pulumi engine: run 'make rehearse' once, or set SHAMBHALA_PULUMI to its path.")


class Engine:
    """One stack on a file backend; `up` and the rest act on whatever program is set."""

    def __init__(self, folder: Path, program: Callable[[], None]) -> None:
        self.program = program
        self.printed: list[str] = []
        home = folder / "home"
        for name in VERSIONS:
            install(home, name)
        tools = folder / "tools" / "bin"
        tools.mkdir(parents=True)
        (tools / "pulumi").symlink_to(engine_binary())
        state = folder / "state"
        state.mkdir()
        self._file = state / ".pulumi/stacks/project/test.json"
        self._stack = auto.create_stack(
            stack_name="test",
            project_name="project",
            program=self._run,
            opts=auto.LocalWorkspaceOptions(
                pulumi_home=str(home),
                pulumi_command=auto.PulumiCommand(str(tools.parent), skip_version_check=True),
                env_vars={
                    "PULUMI_BACKEND_URL": f"file://{state}",
                    "PULUMI_CONFIG_PASSPHRASE": "test",
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                },
            ),
        )

    def _run(self) -> None:
        self.program()

    def up(self, program: Callable[[], None] | None = None) -> dict[str, int]:
        """Runs `up` and returns how many resources it created, updated, …"""
        self.program = program or self.program
        return _counts(self._stack.up(on_output=self.printed.append, color="never").summary)

    def preview(self, program: Callable[[], None] | None = None) -> dict[str, int]:
        self.program = program or self.program
        changes = self._stack.preview(on_output=self.printed.append, color="never").change_summary
        return {str(getattr(kind, "value", kind)): count for kind, count in changes.items()}

    def refresh(self, *targets: str) -> dict[str, int]:
        """Of the resources with those URNs, or of all."""
        result = self._stack.refresh(target=[*targets] or None, on_output=self.printed.append, color="never")
        return _counts(result.summary)

    def destroy(self) -> dict[str, int]:
        return _counts(self._stack.destroy(on_output=self.printed.append, color="never").summary)

    def outputs(self) -> dict[str, tuple[Any, bool]]:
        """Each output's value, and whether it is secret."""
        return {name: (output.value, output.secret) for name, output in self._stack.outputs().items()}

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

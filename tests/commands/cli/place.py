"""A clone's folder of its own for the commands beside `pulumi`, with the real engine and a backend on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import __main__ as cli
from tests.support.tools import engine

ROOT = Path(__file__).parents[3]
ACCOUNT = {
    "projectId": "11111111-2222-4333-8444-555555555555",
    "accessKey": "SCWABCDEFGHJKLMNPQRS",
    "secretKey": "5f1c7b0e-7d53-4a0b-9a35-0c6f8b1f2d11",
}
ENOUGH = {"domain": "games.internal", "operators": {"cidrs": ["10.8.0.0/24"]}, "scaleway": ACCOUNT}
"""All that nobody but the operator knows, and no sample in it."""


class Place:
    """The folder, the engine's home and backend, and a program that notes what the engine is told."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        shutil.copy(ROOT / "Pulumi.yaml", self.project)
        for name in ("home", "state", "config"):
            (folder / name).mkdir()
        self.state = folder / "state"
        self.engine = folder / "pulumi"
        self.does("")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")},
            "HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PULUMI_HOME": str(folder / "home" / ".pulumi"),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": "of the tests",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def does(self, first: str) -> None:
        """Let the engine's program do something else before it is the engine."""
        script = f"""\
            #!/bin/sh
            echo "$*" >>{self.engine}.arguments
            {first}
            exec {engine()} "$@"
            """
        self.engine.write_text(textwrap.dedent(script))
        self.engine.chmod(0o755)

    def lacks(self, *variables: str) -> None:
        for variable in variables:
            self.environment.pop(variable, None)

    def holds(self, stack: str, settings: Mapping[str, Any]) -> None:
        """Write a stack's file, as an operator does who edits it."""
        config = {f"shambhala:{key}": value for key, value in settings.items()}
        self.file(stack).write_text(yaml.safe_dump({"config": config}))

    def gives(self, values: object) -> str:
        """A file for `--values`."""
        file = self.project.parent / "values.json"
        file.write_text(values if isinstance(values, str) else json.dumps(values))
        return str(file)

    def init(self, *arguments: str) -> int:
        """The command, in this process; its environment is the place's."""
        with pytest.MonkeyPatch.context() as patch:
            for variable in [name for name in os.environ if name.startswith("PULUMI_")]:
                patch.delenv(variable)
            for variable, value in self.environment.items():
                patch.setenv(variable, value)
            return cli.run(["init", *arguments, "--pulumi", str(self.engine), "--project", str(self.project)])

    def file(self, stack: str) -> Path:
        return self.project / f"Pulumi.{stack}.yaml"

    @property
    def stacks(self) -> list[str]:
        """The stacks in the backend."""
        return sorted(file.stem for file in self.state.glob(".pulumi/stacks/*/*.json"))

    @property
    def calls(self) -> list[str]:
        """The arguments of every call of the engine."""
        file = Path(f"{self.engine}.arguments")
        return file.read_text().splitlines() if file.exists() else []

    def pulumi(self, *arguments: str, given: str = "") -> str:
        """What the engine itself prints."""
        return subprocess.run(
            [engine(), *arguments, "--non-interactive"],
            cwd=self.project,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def settings(self, stack: str) -> Mapping[str, Any]:
        """All settings of a stack as the engine decrypts them."""
        found = json.loads(self.pulumi("config", "--json", "--show-secrets", "--stack", stack))
        return {
            key.removeprefix("shambhala:"): entry.get("objectValue", entry.get("value"))
            for key, entry in found.items()
            if key.startswith("shambhala:")
        }

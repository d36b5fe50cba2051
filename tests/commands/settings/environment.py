"""A stack's file on the real engine: spoiled by hand, mended by the commands that the messages print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cli.stack import Stack
from common.settings import Settings, SettingsError

Steps = tuple[str | int, ...]


def steps(key: str) -> Steps:
    """A place as the engine writes it, step by step."""
    found = re.findall(r'\["((?:\\"|[^"])+)"\]|\[(\d+)\]|([^.\[]+)', key)
    return tuple(int(index) if index else (quoted.replace('\\"', '"') or name) for quoted, index, name in found)


class Environment:
    """One stack, and what each of its settings is when all is well."""

    def __init__(self, folder: Path, engine: Path, right: Mapping[str, Any]) -> None:
        self.folder = folder
        self.file = folder / "Pulumi.dev.yaml"
        self.stack = Stack("dev", folder, str(engine))
        self.right = right
        self._engine = engine

    def put(self, key: str, value: object) -> None:
        """Write a value into the stack's file, as a person would with an editor."""
        content = yaml.safe_load(self.file.read_text())
        first, *rest = steps(key)
        place: Any = content["config"]
        path: Steps = (f"shambhala:{first}", *rest)
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        self.file.write_text(yaml.safe_dump(content))

    def problems(self) -> SettingsError | None:
        """What is wrong now."""
        try:
            self.settings()
        except SettingsError as error:
            return error
        return None

    def settings(self) -> Settings:
        return self.stack.settings()

    def mend(self, error: SettingsError) -> list[str]:
        """Type the printed commands one after the other, with the right values. Gives them as they were printed."""
        commands = [command for problem in error.problems for command in problem.commands]
        for command in commands:
            self._type(command)
        return commands

    def _type(self, command: str) -> None:
        typed = command.replace("boards.NAME", "boards.blue").replace("pools.NAME", "pools.main")
        words = shlex.split(typed.partition("|")[0])
        key = next(word for word in words[3:] if not word.startswith("--") and word != "string")
        right = self._right(key)
        if " VALUE " in typed:
            typed = typed.replace(" VALUE ", f" {shlex.quote(right)} ")
        (self.folder / "FILE").write_text(right)
        subprocess.run(
            ["bash", "-c", typed],
            cwd=self.folder,
            input=f"{right}\n",
            text=True,
            check=True,
            env={**os.environ, "PATH": f"{self._engine.parent}{os.pathsep}{os.environ['PATH']}"},
        )

    def _right(self, key: str) -> str:
        value: Any = self.right
        for step in steps(key):
            try:
                value = value[step]
            except (KeyError, IndexError):
                return ""
        return value if isinstance(value, str) else str(value).lower()

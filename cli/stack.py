"""A stack as the commands beside `pulumi` handle it: its settings and its state, by way of the engine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Final, cast

from common.fields import Kind, Section
from common.problems import written
from common.settings import NAMESPACE, Settings, parse
from common.stack_file import stored

Tree = dict[str, Any]
PROJECT: Final = Path(__file__).parent.parent


class EngineError(Exception):
    """The engine refused; the text is what it said."""


def leaves(value: object, path: str = "", kind: Kind[Any] | None = None) -> Generator[tuple[str, str, bool]]:
    """Each single value of a tree as the engine takes it: its path, its text, and whether it is a secret."""
    if isinstance(value, dict):
        for name, child in cast("Tree", value).items():
            yield from leaves(child, path + written(name, first=not path), kind and kind.inside(name))
    elif isinstance(value, list):
        for index, child in enumerate(cast("list[Any]", value)):
            yield from leaves(child, path + written(index, first=False), kind and kind.inside(index))
    else:
        text = value if isinstance(value, str) else json.dumps(value)
        yield path, text, kind is not None and kind.secret


class Stack:
    """A stack's file, by way of the engine that encrypts it."""

    def __init__(self, name: str, project: Path, engine: str) -> None:
        self.name = name
        self._project = project
        self._engine = engine

    def create(self) -> None:
        """Make the stack unless there is one of that name."""
        self._run(["stack", "select", "--create", self.name])

    def read(self) -> Tree:
        """All settings of the file, secrets in plain text."""
        found = {key: entry.get("objectValue", entry.get("value")) for key, entry in self._config().items()}
        # The project file gives something empty to what is not set.
        return {key: value for key, value in found.items() if value not in ("", {})}

    def settings(self) -> Settings:
        """The settings as the program reads them. Raises SettingsError for what the program would refuse."""
        config = self._config()
        return parse(
            {key: entry.get("objectValue", entry.get("value")) for key, entry in config.items()},
            self.name,
            encrypted=[key for key, entry in config.items() if entry.get("secret")],
            in_file=stored(self._project, self.name, NAMESPACE),
        )

    def _config(self) -> Tree:
        found = json.loads(self._run(["config", "--json", "--show-secrets", "--stack", self.name]))
        prefix = f"{NAMESPACE}:"
        return {key.removeprefix(prefix): entry for key, entry in found.items() if key.startswith(prefix)}

    def add(self, before: Tree, after: Tree) -> list[str]:
        """Write the values that `after` has and `before` has not. Gives their keys."""
        present = {path for path, _, _ in leaves(before)}
        added = [leaf for leaf in leaves(after, kind=Section(Settings)) if leaf[0] not in present]
        plain = [f"--plaintext={path}={text}" for path, text, secret in added if not secret]
        if plain:
            self._run(["config", "set-all", "--path", *plain, "--stack", self.name])
        for path, text, secret in added:
            if secret:
                # On standard input: arguments are open to everyone on the machine. The engine drops the last line end.
                self._run(["config", "set", "--path", "--secret", path, "--stack", self.name], text + "\n")
        return [path for path, _, _ in added]

    def outputs(self) -> Tree:
        """The stack's plain outputs; a secret one is there in name only. Empty before the first update."""
        return cast("Tree", json.loads(self._run(["stack", "output", "--json", "--stack", self.name])))

    def export(self) -> Tree:
        """The stack's state, secrets encrypted."""
        return cast("Tree", json.loads(self._run(["stack", "export", "--stack", self.name])))

    def replace(self, state: Tree) -> None:
        """Put another state (as `export` gives it) in place of the stack's own, and compare it with the world."""
        self._run(["stack", "import", "--stack", self.name], json.dumps(state))
        self._run(["refresh", "--yes", "--skip-preview", "--stack", self.name])

    def _run(self, arguments: Sequence[str], given: str = "") -> str:
        command = [self._engine, *arguments, "--non-interactive"]
        try:
            ended = subprocess.run(
                command, cwd=self._project, input=given, capture_output=True, text=True, check=False, timeout=1800
            )
        except FileNotFoundError as error:
            raise EngineError(f"{self._engine} is not there: install Pulumi or name it with --pulumi.") from error
        if ended.returncode != 0:
            raise EngineError(f"'pulumi {' '.join(arguments[:2])}' failed: {ended.stderr.strip()}")
        return ended.stdout

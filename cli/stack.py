"""A stack as the commands beside `pulumi` handle it: its settings and its state, by way of the engine."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from cli.engine_errors import EngineError, NoEngineError, refusal
from cli.interrupts import run_to_its_end
from common.settings import NAMESPACE, Settings, parse
from common.settings.problems import HIDDEN, written
from common.settings.schema import Schema
from common.settings.stack_file import stored

Tree = dict[str, Any]
PROJECT: Final = Path(__file__).parent.parent


IGNORE_PROTECT: Final = "--ignore-protect"
SECRETS: Final = "PULUMI_OPTION_SECRET"
"""Environment variable that the engine reads the values of `--secret` from, as one record of CSV.

Arguments are open to everyone on the machine, a process's environment only to its user and to root.
Source: declareFlagsAsEnvironmentVariables in pkg/v3/cmd/pulumi/pulumi.go.
"""
_ENCRYPTED: Final = "secure"
_NO_ENGINE: Final = (
    "{engine} is not there: install Pulumi (https://www.pulumi.com/docs/install/), or name it with --pulumi."
)
_LOOKS_TYPED: Final = re.compile(r"true|false|[+-]?[0-9]+")
"""Text that the engine would store as a boolean or a number."""


class Leaf(NamedTuple):
    """One value of a tree of settings, as the engine takes it."""

    path: str
    """Such as `boards.blue.apiCidrs[0]`, in the engine's own notation."""
    text: str
    secret: bool
    is_text: bool
    """Whether the value is text, even where it looks like a number."""


def leaves(value: object, path: str = "", schema: Schema | None = None) -> Generator[Leaf]:
    """Each single value of a tree. The schema tells which are secrets."""
    if isinstance(value, dict):
        for name, child in cast("Tree", value).items():
            yield from leaves(child, path + written(name, first=not path), schema and schema.inside(name))
    elif isinstance(value, list):
        for index, child in enumerate(cast("list[Any]", value)):
            yield from leaves(child, path + written(index, first=False), schema and schema.inside(index))
    else:
        text = value if isinstance(value, str) else json.dumps(value)
        yield Leaf(path, text, schema is not None and schema.secret, isinstance(value, str))


class Stack:
    """A stack's file, by way of the engine that encrypts it."""

    def __init__(self, name: str, project: Path, engine: str) -> None:
        """Name: as the engine takes it, with organisation and project before it or without."""
        self.short_name = name.rpartition("/")[2]
        self.name = name
        self._engine = engine
        self.environment: dict[str, str] = {}
        """Environment variables that the engine gets beside the command's own."""
        self._project = project

    def create(self) -> None:
        """Make the stack unless there is one of that name."""
        self._run(["stack", "select", "--create", self.name])

    def login(self, backend: str) -> None:
        """Keep the state of stacks in that backend from now on, for this user."""
        self._run(["login", backend])

    @property
    def has_passphrase(self) -> bool:
        """Whether the secrets of the file are encrypted with a passphrase already."""
        file = self._project / f"Pulumi.{self.short_name}.yaml"
        return file.exists() and "\nencryptionsalt:" in f"\n{file.read_text()}"

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
            self.short_name,
            encrypted=[key for key, entry in config.items() if entry.get("secret")],
            in_file=stored(self._project, self.short_name, NAMESPACE),
        )

    def _config(self) -> Tree:
        found = json.loads(self._run(["config", "--json", "--show-secrets", "--stack", self.name]))
        prefix = f"{NAMESPACE}:"
        return {key.removeprefix(prefix): entry for key, entry in found.items() if key.startswith(prefix)}

    def file(self) -> Tree:
        """What stands in the stack's file itself, as text; a secret is there in name only."""
        return cast("Tree", _named_only(dict(stored(self._project, self.short_name, NAMESPACE))))

    def add(self, values: Sequence[Leaf]) -> None:
        """Add values to the file, all in one step. Raises EngineError, also where the engine is too old for that."""
        plain = [f"--plaintext={each.path}={each.text}" for each in values if not each.secret]
        secrets = [f"{each.path}={each.text}" for each in values if each.secret]
        own = ["--stack", self.name]
        self._run(["config", "set-all", "--path", *plain, *own], environment={SECRETS: _record(secrets)})
        if missing := {each.path for each in values} - {each.path for each in leaves(self.file())}:
            raise EngineError(
                f"Pulumi did not write {', '.join(sorted(missing))}: update it to 3.215 or newer, which takes secrets "
                f"from {SECRETS}, and run this command again."
            )
        for each in values:
            if each.is_text and not each.secret and _LOOKS_TYPED.fullmatch(each.text):
                self._run(["config", "set", "--path", "--type=string", each.path, *own], each.text + "\n")

    def outputs(self, *, show_secrets: bool = False) -> Tree:
        """The stack's outputs, secret ones in name only unless they are to be shown. Empty before the first update."""
        shown = ["--show-secrets"] if show_secrets else []
        return cast("Tree", json.loads(self._run(["stack", "output", "--json", *shown, "--stack", self.name])))

    def export(self, *, show_secrets: bool = False) -> Tree:
        """The stack's state, secrets encrypted unless they are to be shown."""
        shown = ["--show-secrets"] if show_secrets else []
        return cast("Tree", json.loads(self._run(["stack", "export", *shown, "--stack", self.name])))

    def write(self, state: Tree) -> None:
        """Put another state (as `export` gives it, secrets encrypted) in place of the stack's own."""
        self._run(["stack", "import", "--stack", self.name], json.dumps(state))

    def refresh(self, urns: Sequence[str]) -> None:
        """Compare some resources of the state with the world."""
        if urns:
            targets = [f"--target={urn}" for urn in urns]
            self._run(["refresh", "--yes", "--skip-preview", *targets, "--stack", self.name])

    def projects(self) -> set[str]:
        """Names of the projects whose resources the state holds; empty before the first update."""
        deployment: Tree = self.export().get("deployment") or {}
        resources = cast("Sequence[Tree]", deployment.get("resources") or ())
        # urn:pulumi:STACK::PROJECT::TYPE::NAME
        return {str(resource["urn"]).split("::")[1] for resource in resources}

    def engine_version(self) -> str:
        """Version of the engine's CLI, such as 3.272.0."""
        return self._run(["version"]).strip().removeprefix("v")

    def plugins(self) -> list[Tree]:
        """Installed plugins, each with its name and version."""
        return cast("list[Tree]", json.loads(self._run(["plugin", "ls", "--json"]) or "[]"))

    def require_ignore_protect(self) -> None:
        """Raise EngineError for an engine that cannot destroy what is protected."""
        if IGNORE_PROTECT not in self._run(["destroy", "--help"]):
            raise EngineError(
                f"{self._engine} has no 'destroy {IGNORE_PROTECT}': install Pulumi 3.256 or newer. Nothing was touched."
            )

    def destroy(self) -> int:
        """Destroy all that the state holds, the protected too, and let the engine print. Gives its exit status.

        The engine does not ask, and does not run the program: it acts on the state alone.
        """
        return self.run_on_terminal("destroy", "--yes", "--skip-preview", IGNORE_PROTECT)

    def run_on_terminal(self, *arguments: str) -> int:
        """Run a command of the engine that prints and asks by itself. Gives its exit status."""
        command = [self._engine, *arguments, "--stack", self.name]
        environment = {**os.environ, **self.environment}
        # No step needs an SSH agent, but the command plugin fails where this names one that is gone.
        environment.pop("SSH_AUTH_SOCK", None)
        try:
            return run_to_its_end(command, self._project, environment)
        except FileNotFoundError as error:
            raise NoEngineError(_NO_ENGINE.format(engine=self._engine)) from error

    def _run(self, arguments: Sequence[str], given: str = "", environment: Mapping[str, str] | None = None) -> str:
        command = [self._engine, *arguments, "--non-interactive"]
        try:
            ended = subprocess.run(
                command,
                cwd=self._project,
                env={**os.environ, **self.environment, **(environment or {})},
                input=given,
                capture_output=True,
                text=True,
                check=False,
                timeout=1800,
            )
        except FileNotFoundError as error:
            raise NoEngineError(_NO_ENGINE.format(engine=self._engine)) from error
        if ended.returncode != 0:
            # What goes wrong with a resource, the engine prints among its progress.
            said = ended.stderr.strip() or ended.stdout.strip()
            raise refusal(self._engine, self.name, arguments, said)
        return ended.stdout


def _named_only(stored: object) -> object:
    if isinstance(stored, dict):
        tree = cast("Tree", stored)
        return HIDDEN if set(tree) == {_ENCRYPTED} else {key: _named_only(value) for key, value in tree.items()}
    return [_named_only(each) for each in cast("list[object]", stored)] if isinstance(stored, list) else stored


def _record(fields: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow(fields)
    return out.getvalue()

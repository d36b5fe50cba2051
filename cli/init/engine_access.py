"""Backend and passphrase of the engine, asked for where it has none: by itself it cannot ask here.

The answers go to the engine as its own environment variables. The passphrase is the last question: it is kept once it
is given, and the backend once there is a stack, so that whoever stops before leaves nothing behind.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from cli.engine_errors import NoBackendError, NoPassphraseError, WrongPassphraseError
from cli.init.questions import Question, ask
from cli.init.setting_problems import refusals
from cli.interrupts import interruptible
from cli.stack import Stack
from common.keys import password
from common.settings.constraints import matching
from common.settings.credentials import Password
from common.settings.schema import schema_of

T = TypeVar("T")
BACKEND, PHRASE, PHRASE_FILE = "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"
STATE: Final = Question(
    "",
    "Backend",
    "Pulumi keeps the state of stacks in a backend: 'file://~' is a folder of yours; 's3://BUCKET' and others are "
    "shared. For Pulumi Cloud stop here (Ctrl-C) and run 'pulumi login'.",
    default="file://~",
    type=Annotated[str, matching("a URL of file://, s3://, gs:// or azblob://", r"(file|s3|gs|azblob)://\S+")],
)


class EngineAccess:
    """What the engine needs beside a command, for one stack."""

    def __init__(self, stack: Stack, *, asking: bool) -> None:
        self._stack = stack
        self._asking = asking
        self._typed = False

    def of(self, call: Callable[[], T]) -> T:
        """What a call of the engine gives, once it has all that it needs. Raises EngineError where nobody is asked."""
        while True:
            try:
                return call()
            except NoBackendError:
                if not self._asking:
                    raise
                with interruptible():
                    self._environment[BACKEND] = str(ask(STATE))
            except NoPassphraseError:
                if not self._asking:
                    raise
                with interruptible():
                    self._ask_passphrase()
            except WrongPassphraseError as error:
                if not self._typed:
                    raise
                typer.echo(f"  {error}".partition(":")[0] + ".")
                with interruptible():
                    self._type()

    def keep(self) -> Sequence[str]:
        """Keep the backend for later commands. Gives what is to be typed before those."""
        if backend := self._environment.get(BACKEND):
            self._stack.login(backend)
        kept = self._environment.get(PHRASE_FILE)
        return [f"export {PHRASE_FILE}={shlex.quote(kept)}"] if kept else []

    @property
    def _environment(self) -> dict[str, str]:
        return self._stack.environment

    def _ask_passphrase(self) -> None:
        file = passphrase_file(self._stack.short_name)
        if file.exists():
            typer.echo(f"\nThe passphrase of stack {self._stack.name} is taken from {file}.")
            self._environment[PHRASE_FILE] = str(file)
            self._typed = True
        elif self._stack.has_passphrase:
            typer.echo(f"\nThe secrets of stack {self._stack.name} are encrypted with a passphrase.")
            self._type()
        else:
            self._choose(file)

    def _type(self) -> None:
        self._environment.pop(PHRASE_FILE, None)
        self._environment[PHRASE] = typer.prompt("Passphrase (not shown)", hide_input=True)
        self._typed = True

    def _choose(self, file: Path) -> None:
        typer.echo(
            f"\nA passphrase encrypts the secrets of stack {self._stack.name}; without it they are lost. "
            f"Empty: one is made and kept in {file}."
        )
        chosen = ""
        while True:
            chosen = typer.prompt("New passphrase (not shown) [made]", default="", show_default=False, hide_input=True)
            problems = refusals(schema_of(Password), chosen) if chosen else ()
            if problems:
                typer.echo(f"  {problems[0].allowed}")
            elif not chosen or chosen == typer.prompt("The same again (not shown)", hide_input=True):
                break
            else:
                typer.echo("  must be the same twice")
        if chosen and not typer.confirm(f"Keep it in {file}, for your eyes only?", default=True):
            self._environment[PHRASE] = chosen
            return
        # Kept before anything is encrypted with it: nobody else knows one that was made.
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"{chosen or password()}\n")
        self._environment[PHRASE_FILE] = str(file)


def passphrase_file(stack: str) -> Path:
    """Where a stack's passphrase is kept, outside the clone: it must never be committed beside what it protects."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "shambhala" / f"{stack}.passphrase"

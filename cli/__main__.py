"""Command line of the project: `shambhala COMMAND`, or `python -m cli COMMAND` in the clone.

A command returns its exit status; an expected error is one sentence on standard error.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import typer
from scaleway import ScalewayException

from cli.backup import BackupError, backup, restore
from cli.cost.cost_command import CostError, cost
from cli.destroy.destroy_checks import DestroyError
from cli.destroy.destroy_command import destroy
from cli.doctor.doctor_command import doctor
from cli.init.init_command import GivenError, init
from cli.leftovers.leftovers_command import leftovers
from cli.leftovers.survey import UnprovenError
from cli.recover.helm_releases import ClusterError
from cli.recover.pending_operations import AmbiguousError
from cli.recover.recover_command import recover
from cli.replacements import RefusedChangeError
from cli.sheets.sheets_command import SheetsError, sheets
from cli.stack import EngineError
from cli.update import preview, up
from common.settings import SettingsError

EXPECTED: Final = (
    EngineError,
    SettingsError,
    ScalewayException,
    AmbiguousError,
    BackupError,
    DestroyError,
    UnprovenError,
    GivenError,
    ClusterError,
    CostError,
    SheetsError,
    RefusedChangeError,
)
"""Errors whose text is for the operator: it says what to do."""


def _exiting(command: Callable[..., int]) -> Callable[..., None]:
    """The command with its status as the process's own, and an expected error as one sentence."""

    @functools.wraps(command)
    def wrapped(*arguments: object, **options: object) -> None:
        try:
            status = command(*arguments, **options)
        except EXPECTED as error:
            print(f"error: {error}", file=sys.stderr)
            status = 1
        raise typer.Exit(status)

    return wrapped


def _help(command: Callable[..., int]) -> str:
    """The command's docstring, each paragraph on one line: a terminal folds it at its own width."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(command) or "").split("\n\n"))


COMMANDS: Final[Mapping[str, Sequence[Callable[..., int]]]] = {
    "Before an event": (init, doctor, cost),
    "Raise and change": (preview, up, recover),
    "During an event": (sheets, backup, restore),
    "After an event": (destroy, leftovers),
}
"""Every command, by the time at which it is needed."""
app: Final = typer.Typer(
    name="shambhala",
    help="Raise, keep and remove the platform of a DevOps treasure hunt at Scaleway.",
    epilog="STACK is an environment: dev, staging or production. README.md shows the commands in their order.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback is for developers, and theirs is Python's own.
    pretty_exceptions_enable=False,
)
for _time, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(help=_help(_command), rich_help_panel=_time)(_exiting(_command))


def run(arguments: Sequence[str]) -> int:
    """Run one command. Gives its exit status: 0 done, 1 failed, 2 a wrong command line, or `init` left a setting."""
    try:
        app(list(arguments), prog_name="shambhala")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def main() -> None:
    """The console script `shambhala`."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

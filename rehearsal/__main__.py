"""The rehearsal's commands: raise everything, or the local cloud alone; show it; take everything down and prove it.

Raises the game on a local cloud through the real Pulumi engine: nothing leaves this machine but
downloads of packages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import sys
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from rehearsal import engine
from rehearsal.down import remove_everything
from rehearsal.errors import EXPLAINED_ERRORS
from rehearsal.local_cloud import open_cloud, values_file
from rehearsal.session import DEFAULT_NAME, SessionError, at_work, claim, find, make, sessions
from rehearsal.toolchain.providing import provide
from rehearsal.up import raise_everything, tell_where

MOST_TEAMS = 1000
# What is not a terminal has no width of its own: the table fits without folding an address.
CONSOLE = Console(highlight=False, width=None if sys.stdout.isatty() else 132)
BESIDE = Console(highlight=False, stderr=True)
"""For progress and errors of a command whose output is for a shell."""


def up(name: str, given: Sequence[str], teams: int) -> int:
    """Raise the game, or bring it to what the program says now."""
    began = time.monotonic()
    report = raise_everything(claim(name), CONSOLE, dict(map(_setting, given)), teams=teams)
    CONSOLE.print(report.table())
    CONSOLE.print(report.closing(seconds=time.monotonic() - began), soft_wrap=True)
    return 0


def cloud(name: str) -> int:
    """Raise the local cloud alone, and print what makes 'pulumi' and 'make' work on it: eval "$(make -s cloud)"."""
    session = claim(name)
    tell_where(session, BESIDE)
    open_cloud(session, provide(BESIDE), BESIDE)
    BESIDE.print(
        f"The local cloud stands. Next: 'make init STACK=dev'. '{make('rehearse-down', name)}' removes everything.",
        soft_wrap=True,
    )
    # The engine would take it before the file.
    print("unset PULUMI_CONFIG_PASSPHRASE")
    for variable, value in {**engine.environment(session), "VALUES": str(values_file(session))}.items():
        print(f"export {variable}={shlex.quote(value)}")
    return 0


def down(name: str) -> int:
    """Take the rehearsal down and prove that nothing is left of it."""
    session = find(name)
    if session is None:
        CONSOLE.print(f"There is no rehearsal {name!r}; nothing to take down.")
        return 0
    left = remove_everything(session, CONSOLE)
    for thing in left:
        CONSOLE.print(f"[red]left[/] {thing}")
    if not left:
        CONSOLE.print(f"Nothing is left of {name!r}: no resource, container, network, process or file.", soft_wrap=True)
    return 1 if left else 0


def status() -> int:
    """List the rehearsals of this user."""
    standing = sessions()
    for session in standing:
        CONSOLE.print(f"{session.name}  127.{session.slot}.0.0/16  {session.home}")
    if not standing:
        CONSOLE.print("No rehearsal stands. 'make rehearse' raises one.")
    return 0


def _setting(text: str) -> tuple[str, Any]:
    """A setting given as KEY=VALUE, with its value as JSON where it is JSON."""
    key, equals, value = text.partition("=")
    if not equals:
        raise SessionError(f"--set {text!r} is no setting: write KEY=VALUE, such as --set activeBoard=green.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _number_of_teams(text: str) -> int:
    """How many teams, as the command line says it."""
    if not text.isdigit() or int(text) > MOST_TEAMS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {MOST_TEAMS}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (up, cloud, down, status):
        sub = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__)
        if command is not status:
            sub.add_argument("--name", default=DEFAULT_NAME, help="which rehearsal (default: %(default)s)")
        if command is up:
            sub.add_argument(
                "--teams",
                metavar="N",
                type=_number_of_teams,
                default=0,
                help="also raise source control, delivery and N teams (default: none, which is faster)",
            )
            sub.add_argument(
                "--set",
                metavar="KEY=VALUE",
                action="append",
                default=[],
                help="a whole setting in place of the rehearsal's own, this time (JSON, or text): see Pulumi.yaml",
            )
    return parser


def _run(arguments: argparse.Namespace) -> int:
    with at_work(arguments.name):
        if arguments.command == "up":
            return up(arguments.name, arguments.set, arguments.teams)
        return cloud(arguments.name) if arguments.command == "cloud" else down(arguments.name)


def main() -> int:
    """Read the command line and do what it says; 0 when that worked."""
    arguments = _parser().parse_args()
    if arguments.command == "status":
        return status()
    console, again = (BESIDE, "cloud") if arguments.command == "cloud" else (CONSOLE, "rehearse")
    try:
        return _run(arguments)
    except (SessionError, *EXPLAINED_ERRORS) as error:
        # Not as markup: there are brackets in what an engine says.
        console.print("[red]error:[/]", end=" ")
        console.print(str(error), markup=False, soft_wrap=True)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print(
            f"Interrupted. '{make(again, arguments.name)}' goes on from here; "
            f"'{make('rehearse-down', arguments.name)}' removes everything.",
            soft_wrap=True,
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())

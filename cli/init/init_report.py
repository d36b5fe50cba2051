"""Report of `init`: what was made, given and left, and the next commands as they are typed."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.init.samples import samples
from cli.init.starting_values import MADE
from cli.stack import Leaf, Stack
from common.settings import HOW_TO_MEND, NAMESPACE, REHEARSAL
from common.settings.problems import Problem

LONGEST_VALUE: Final = 40
"""Characters of a value in the table; of a public key, its kind is enough."""


@dataclass(frozen=True)
class Outcome:
    """What `init` did to a stack."""

    stack: Stack
    added: Sequence[Leaf]
    given: frozenset[str]
    """Paths of what the operator answered, or gave by options and a file."""
    kept: Sequence[Leaf]
    """What was given and not taken: another value stands there."""
    first: Sequence[str]
    """Commands that every later one needs before it in a new shell."""
    problems: Sequence[Problem]
    """What is left to set."""


def report(outcome: Outcome) -> int:
    """Print it all. Gives the exit status: 0 when the environment is ready, 2 when a setting is left."""
    stack = outcome.stack
    console = Console(soft_wrap=True, highlight=False)
    if outcome.added:
        console.print(_table(outcome))
    else:
        console.print(f"Stack {stack.name} lacked nothing.")
    for each in outcome.kept:
        console.print(f"Kept: another {each.path} stands already and was not replaced. To replace it:", markup=False)
        console.print(f"  {_set(each, stack)}", markup=False)
    for line in _warnings(stack):
        console.print(line, markup=False)
    if outcome.problems:
        count = "1 setting is" if len(outcome.problems) == 1 else f"{len(outcome.problems)} settings are"
        console.print(f"{count} left. {HOW_TO_MEND}")
        for problem in outcome.problems:
            console.print(f"  {NAMESPACE}:{problem}", markup=False)
        console.print("Or answer on a terminal, or name a file with them as JSON or YAML:")
        commands = [f"make init STACK={stack.name}", f"make init STACK={stack.name} VALUES=FILE"]
    else:
        console.print("Next:")
        commands = [f"make {target} STACK={stack.name}" for target in ("doctor", "preview", "up")]
    for command in (*outcome.first, *commands):
        console.print(f"  {command}", markup=False)
    return 2 if outcome.problems else 0


def _table(outcome: Outcome) -> Table:
    table = Table(title=f"Added to stack {outcome.stack.name}", title_justify="left")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    rows: dict[tuple[str, str], list[str]] = {}
    for setting, value, source in _rows(outcome):
        rows.setdefault((setting, source), []).append(value)
    for (setting, source), values in rows.items():
        table.add_row(escape(setting), escape(", ".join(dict.fromkeys(filter(None, values)))), source)
    return table


def _rows(outcome: Outcome) -> Generator[tuple[str, str, str]]:
    """Setting, value and source of each value that was added; what is inside a board has the board's name."""
    for each in outcome.added:
        value = "(encrypted)" if each.secret else textwrap.shorten(each.text, LONGEST_VALUE, placeholder=" …")
        setting = re.sub(r"\[\d+\]$", "", each.path)
        if each.path in outcome.given:
            yield setting, value, "you"
        elif each.secret or setting in MADE:
            yield setting, value, "made"
        elif board := re.match(r"boards\.[^.]+", setting):
            yield board[0], "", "usual choice"
        else:
            yield setting, value, "usual choice"


def _warnings(stack: Stack) -> Generator[str]:
    """A line for each sample, which a rehearsal may have."""
    if stack.short_name.startswith(REHEARSAL):
        return
    where: dict[str, list[Leaf]] = {}
    for each in samples(stack.file()):
        where.setdefault(each.text, []).append(each)
    for text, found in where.items():
        yield f"Warning: {text} is a sample and leads nowhere. To replace it:"
        yield from (f"  {_set(each, stack)}" for each in found)


def _set(leaf: Leaf, stack: Stack) -> str:
    """The command that sets a value; for a secret it asks."""
    value = "" if leaf.secret else " VALUE"
    flag = "--secret " if leaf.secret else ""
    return f"pulumi config set --path {flag}{shlex.quote(leaf.path)}{value} --stack {stack.name}"

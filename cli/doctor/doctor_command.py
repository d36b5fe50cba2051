"""The command: reads the stack, runs the checks beside each other, prints their lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Final

import typer
from dns.resolver import Resolver
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.cost.cost_command import Days
from cli.doctor import api_key, instance_types, parent_domain, pulumi_programs, quotas, sources
from cli.doctor.lines import Check, Environment, Line, State, failure, ok
from cli.doctor.running import run
from cli.engine_errors import EngineError
from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.scaleway_client import client
from cli.stack import PROJECT, Stack
from common.settings import NAMESPACE, Settings, SettingsError
from common.settings.problems import Problem

CHECKS: Final[Mapping[str, Check]] = {
    "API key": api_key.check,
    "quotas": quotas.check,
    "types": instance_types.check,
    "parent domain": parent_domain.check,
    "sources": sources.check,
}
STYLES: Final = {State.OK: "green", State.WARNING: "yellow", State.FAILURE: "bold red"}


def _settings(stack: Stack) -> tuple[Settings | None, list[Line]]:
    """The settings, and what was found while they were read."""
    try:
        line = pulumi_programs.owner(stack)
        if line.state is not State.OK:
            return None, [line]
        return stack.settings(), [line, ok("settings", "all are valid")]
    except EngineError as error:
        return None, [pulumi_programs.refused_by_pulumi("stack", error, stack.name)]
    except SettingsError as error:
        return None, list(map(_wrong, error.problems))


def _wrong(problem: Problem) -> Line:
    told = replace(problem, commands=())
    return failure("settings", f"{NAMESPACE}:{told}", " && ".join(problem.commands) or "see Pulumi.yaml")


def _lines(stack: Stack, days: int, resolver: Callable[[], Resolver], program: str) -> Generator[Line]:
    yield pulumi_programs.python()
    yield pulumi_programs.language_host(program)
    settings, found = _settings(stack)
    if settings is None:
        yield from pulumi_programs.versions(stack, None)
        yield from found
        return
    environment = Environment(stack.name, settings, client(settings.scaleway), resolver(), days)
    lines = run({"Pulumi": lambda each: pulumi_programs.versions(stack, each.settings), **CHECKS}, environment)
    yield from (*found, *lines)


def table(lines: Iterable[Line]) -> Table:
    """The lines as an operator reads them."""
    shown = Table(show_lines=False)
    shown.add_column("")
    shown.add_column("what", no_wrap=True)
    shown.add_column("found")
    shown.add_column("what mends it")
    for line in lines:
        mend = "" if line.state is State.OK else line.mend
        # What others say may look like markup.
        shown.add_row(Text(line.state, STYLES[line.state]), Text(line.what), Text(line.found), Text(mend))
    return shown


def _resolver(address: str | None) -> Resolver:
    resolver = Resolver(configure=address is None)
    if address is not None:
        host, _, port = address.partition(":")
        resolver.nameservers, resolver.port = [host], int(port or "53")
    resolver.lifetime = 5
    return resolver


def doctor(
    stack: StackName,
    days: Days = 2,
    resolver: Annotated[
        str | None, typer.Option(metavar="IP[:PORT]", help="DNS resolver to ask; by default this machine's.")
    ] = None,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Find whatever would stop an environment from being raised. Changes nothing.

    Versions, API key and permission sets, quotas, stock, the parent domain, and every source: each line is ok, a
    warning or a failure, with the command that mends it.

    Exit status: 0 when nothing fails, 1 when something does.
    """
    found = list(_lines(Stack(stack, project, pulumi), days, lambda: _resolver(resolver), pulumi))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 132)
    console.print(table(found))
    failures = sum(line.state is State.FAILURE for line in found)
    warnings = sum(line.state is State.WARNING for line in found)
    console.print(
        f"{failures} failures, {warnings} warnings." + ("" if failures else f" Next: make preview STACK={stack}")
    )
    return 1 if failures else 0

"""Command `destroy`: removal of everything in a stack's state, protected or not, and proof that nothing is left.

Whatever could stop the engine half way is looked for before anything is touched (docs/destroy.md).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from scaleway import ScalewayException

from cli.backup import BackupError, Login, new_archive, save_archive
from cli.destroy.deletion_protection import unprotected
from cli.destroy.destroy_checks import DestroyError, check_api_keys, check_operations, check_silent
from cli.destroy.destroy_plan import Plan, identities, plan_table
from cli.destroy.lost_hosts import look_at_hosts, without
from cli.leftovers.leftovers_command import table_of
from cli.leftovers.survey import UnprovenError, survey
from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.scaleway_client import client
from cli.stack import PROJECT, Stack
from cli.state import resources
from common.settings import Settings, parse

YesDestroy = Annotated[
    str | None,
    typer.Option("--yes-destroy", metavar="NAME", help="Name of the environment, for scripts: nothing is asked."),
]
NoBackup = Annotated[bool, typer.Option("--no-backup", help="Save no backup: what the game master keeps is lost.")]
AbandonSilent = Annotated[
    bool,
    typer.Option(
        "--abandon-silent-clusters", help="Remove clusters whose API does not answer, too, with all that is on them."
    ),
]


def destroy(
    stack: StackName,
    yes_destroy: YesDestroy = None,
    no_backup: NoBackup = False,
    abandon_silent_clusters: AbandonSilent = False,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """End an event: save a backup, destroy the environment, and prove that nothing is left (docs/destroy.md).

    Asks for the environment's name first.

    Exit status: 0 when nothing is left at Scaleway, 1 when nothing was touched or something is left.
    """
    # In a file or a script's log, a table's lines need not fit a screen.
    console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)
    of = Stack(stack, project, pulumi)
    settings = parse(of.read(), of.short_name)
    _check_name(stack, settings.environment, yes_destroy)
    of.require_ignore_protect()
    console.print(f"Looking at the environment {settings.environment}: its state, its hosts, what is billed")
    plan = _look(of, settings, abandon_silent=abandon_silent_clusters)
    _show(plan, console)
    if yes_destroy is None and not _agreed(settings.environment):
        console.print("That is another name: nothing was touched.")
        return 1
    if no_backup:
        console.print("[bold red]No backup is saved[/]: what the game master keeps is lost for good.")
    archive = None if no_backup else _save(of, plan, console)
    _destroy(of, plan, console)
    return _prove(stack, plan, archive, console)


def _check_name(stack: str, environment: str, given: str | None) -> None:
    if given is None and not sys.stdin.isatty():
        raise DestroyError(
            f"there is no terminal to ask for the environment's name: 'make destroy STACK={stack} "
            f'OPTIONS="--yes-destroy {environment}"\' asks nothing. Nothing was touched.'
        )
    if given not in (None, environment):
        raise DestroyError(f"the stack {stack} is the environment {environment}, not {given}. Nothing was touched.")


def _look(stack: Stack, settings: Settings, *, abandon_silent: bool) -> Plan:
    """Everything that could stand in the way. Raises DestroyError."""
    state = stack.export(show_secrets=True)
    try:
        check_api_keys(state, settings.scaleway, stack.name)
        hosts = look_at_hosts(state, client(settings.scaleway))
        standing = survey(settings, identities(state))
    except (ScalewayException, UnprovenError, OSError) as error:
        raise DestroyError(
            f"Scaleway does not tell what is there, so that nothing could be proven afterwards: {error}. Nothing was "
            "touched: try again once it does."
        ) from error
    if not abandon_silent:
        check_silent(hosts.silent, stack.name)
    plan = Plan(settings, state, hosts, standing)
    check_operations(state, plan.lost, stack.name)
    return plan


def _show(plan: Plan, console: Console) -> None:
    """What will be destroyed, and what of it is billed."""
    console.print(plan_table(plan))
    for reason in plan.hosts.gone.values():
        console.print(f"{reason}: what was on it is struck from the state.")
    for cluster in plan.hosts.silent:
        said = escape(f"what is on the cluster {cluster.name}, as {cluster.reason}.")
        console.print(f"[bold red]Abandoned[/]: {said}")


def _agreed(environment: str) -> bool:
    return input(f"Type the environment's name ({environment}) to destroy it: ").strip() == environment


def _save(stack: Stack, plan: Plan, console: Console) -> Path | None:
    """Save the game master, if there is one. Raises DestroyError."""
    if not plan.servers:
        console.print("There is no game master: no backup is saved.")
        return None
    try:
        archive = new_archive(stack.name)
        console.print(f"Saving the game master to {archive}")
        save_archive(Login.of_stack(stack), archive)
    except BackupError as error:
        raise DestroyError(
            f"no backup could be saved: {error}. Bring the game master back (docs/troubleshooting.md), or lose what it "
            f"keeps: 'make destroy STACK={stack.name} OPTIONS=--no-backup'. Nothing was touched."
        ) from error
    return archive


def _destroy(stack: Stack, plan: Plan, console: Console) -> None:
    """Let the engine destroy what the state holds. Raises DestroyError where it does not come to its end."""
    with unprotected(plan.servers, client(plan.settings.scaleway)) as servers:
        for server in servers:
            console.print(f"The Instance {server} may be deleted, for this run alone")
        if plan.lost:
            stack.write(without(stack.export(), plan.lost))
        status = stack.destroy()
    # An engine that was told to stop ends with 0 too.
    if status or resources(stack.export()):
        raise DestroyError(
            f"the engine ended ({status}) before all was destroyed, for the reason that it gave above. What is still "
            f"there is protected as before; 'make destroy STACK={stack.name}' goes on where it stopped. If the stack "
            f"was locked, and nobody else is at work on it: 'pulumi cancel --stack {stack.name}' first."
        )


def _prove(stack: str, plan: Plan, archive: Path | None, console: Console) -> int:
    """Look for what is left. Gives the command's exit status."""
    environment = plan.settings.environment
    try:
        found = survey(plan.settings, identities(plan.state))
    except UnprovenError as error:
        raise DestroyError(
            f"{environment} is destroyed, and {error}. 'make leftovers STACK={stack}' looks again."
        ) from error
    if found.unknown:
        console.print(f"{len(found.unknown)} things are billed in this project that bear no mark of any environment:")
        console.print(f"'make leftovers STACK={stack}' names them.")
    if found.ours:
        console.print(table_of(found.ours, environment))
        console.print(f"Remove it in Scaleway's console: the state of {environment} is empty, nothing else will do it.")
        return 1
    console.print(f"Nothing of the environment {environment} is left at Scaleway. Kept on purpose:")
    if archive:
        console.print(f"  the backup {archive}, which holds secrets: delete it when nobody needs it any more")
    console.print(
        f"  the stack with the file of its settings, for the next event: 'pulumi stack rm {stack}' removes it"
    )
    return 0

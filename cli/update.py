"""Commands `preview` and `up`: Pulumi's own, with what an update costs."""

from __future__ import annotations

import sys
from typing import Annotated

import requests
import typer
from scaleway import ScalewayException

from cli.cost.cost_command import CostError, Days, check_bound, print_bill
from cli.kubernetes_upgrade import check_upgrades
from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.replacements import check_replacements
from cli.stack import PROJECT, EngineError, Stack
from common.settings import Settings, SettingsError

AllowCost = Annotated[
    bool, typer.Option("--allow-cost", help="Go on where a day may cost more than costs.maxDailyEur.")
]
SkipPreview = Annotated[
    bool, typer.Option("--skip-preview", help="Update at once: the program runs once, and nothing is asked.")
]


def preview(
    stack: StackName,
    days: Days = 2,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Show what an update would change, and what the whole environment costs.

    Exit status: Pulumi's own; 1 where a change is refused. Without prices a preview is a preview all the same.
    """
    of = Stack(stack, project, pulumi)
    _check_changes(of, of.settings(), stack)
    status = of.run_on_terminal("preview")
    if status == 0:
        try:
            print_bill(of.settings(), days)
        except (CostError, EngineError, SettingsError, ScalewayException, requests.RequestException) as error:
            print(f"error: {error}", file=sys.stderr)
    return status


def up(
    stack: StackName,
    allow_cost: AllowCost = False,
    skip_preview: SkipPreview = False,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Raise an environment, or change it: check the changes and the cost of a day, preview, ask, update.

    Exit status: Pulumi's own; 1 where a change would lose something that no setting allows to be lost, or where a day
    may cost more than costs.maxDailyEur.
    """
    of = Stack(stack, project, pulumi)
    settings = of.settings()
    _check_changes(of, settings, stack)
    if not allow_cost:
        check_bound(settings, stack)
    return of.run_on_terminal("up", *(["--skip-preview", "--yes"] if skip_preview else []))


def _check_changes(of: Stack, settings: Settings, stack: str) -> None:
    """Refuse what would lose something, before the engine touches anything. Raises RefusedChangeError."""
    state = of.export(show_secrets=True)
    check_upgrades(settings, state, stack)
    check_replacements(settings, state, stack)

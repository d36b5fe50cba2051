"""Commands `preview` and `up`: Pulumi's own, with what an update costs."""

from __future__ import annotations

import sys
from typing import Annotated

import requests
import typer
from scaleway import ScalewayException

from cli.cost.cost_command import CostError, Days, check_bound, print_bill
from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.stack import PROJECT, EngineError, Stack
from common.settings import SettingsError

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

    Exit status: Pulumi's own. Without prices a preview is a preview all the same.
    """
    of = Stack(stack, project, pulumi)
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
    """Raise an environment, or change it: check the cost of a day, preview, ask, update.

    Exit status: Pulumi's own; 1 where a day may cost more than costs.maxDailyEur.
    """
    of = Stack(stack, project, pulumi)
    if not allow_cost:
        check_bound(of.settings(), stack)
    return of.run_on_terminal("up", *(["--skip-preview", "--yes"] if skip_preview else []))

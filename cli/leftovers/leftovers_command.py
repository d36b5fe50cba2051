"""Command `leftovers`: proof that nothing of an environment is left at Scaleway, or a table of the leftovers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from cli.leftovers.survey import Leftover, survey
from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.stack import PROJECT, Stack
from common.settings import Settings, parse


def leftovers(stack: StackName, project: ProjectFolder = PROJECT, pulumi: EngineProgram = DEFAULT_ENGINE) -> int:
    """Prove that nothing of an environment is left at Scaleway, or list the leftovers with their prices.

    The stack's settings are enough; no state is needed.

    Exit status: 0 when nothing is left, 1 when something is left or could not be looked at.
    """
    settings = settings_of(Stack(stack, project, pulumi))
    found = survey(settings)
    console = Console()
    if found.unknown:
        console.print(_table("Billed in the same project, without a mark that says whose it is", found.unknown))
    if not found.ours:
        console.print(f"Nothing of the environment {settings.environment} is left at Scaleway.")
        return 0
    console.print(table_of(found.ours, settings.environment))
    return 1


def settings_of(stack: Stack) -> Settings:
    """The settings in a stack's file. Raises SettingsError."""
    return parse(stack.read(), stack.short_name)


def table_of(left: Sequence[Leftover], environment: str) -> Table:
    """What is left of an environment, for an operator to see."""
    return _table(f"Left of the environment {environment} at Scaleway", left)


def _table(title: str, left: Sequence[Leftover]) -> Table:
    table = Table("product", "what", "name", "id", "EUR/hour", "why", title=title, title_justify="left")
    for each in left:
        price = "" if each.hourly_price is None else f"{each.hourly_price:.4f}"
        table.add_row(each.product, each.kind, each.name, each.id, price, each.why)
    known = [each.hourly_price for each in left if each.hourly_price is not None]
    if known:
        together = sum(known, Decimal())
        table.caption = f"Together EUR {together:.4f} an hour, {together * 24:.2f} a day, without VAT."
    return table

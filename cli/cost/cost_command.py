"""What an environment costs, by the prices of Scaleway's own API: euros without VAT (docs/costs.md)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Final

import requests
import typer
from rich.console import Console
from rich.table import Table
from scaleway import ScalewayException

from cli.cost.billed_resources import Billed, Unpriced, rows, unpriced, zones
from cli.cost.scaleway_prices import PRICE_PAGE, PriceList, load
from cli.deadline import within
from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.scaleway_client import client
from cli.stack import PROJECT, Stack
from common.settings import Settings

HOURS: Final = 24
Days = Annotated[int, typer.Option(min=1, max=366, help="Length of the event in days.")]
LONGEST_SECONDS: Final = 60
"""Time limit of the price list, which has some 5,500 rows on 6 pages."""


class CostError(Exception):
    """Prices cannot be had, or a day costs too much; the text says what to do."""


@dataclass(frozen=True)
class Cost:
    """A row of the bill, with its price."""

    billed: Billed
    price: Decimal | None
    """Euros for an hour of one unit; None where the API has none."""

    @property
    def hourly(self) -> Decimal | None:
        """Euros for an hour at the start."""
        return None if self.price is None else self.price * self.billed.units

    @property
    def most(self) -> Decimal | None:
        """Euros for an hour with every pool at its largest."""
        return None if self.price is None else self.price * self.billed.most


@dataclass(frozen=True)
class Bill:
    """Everything that an environment is billed for."""

    costs: Sequence[Cost]
    by_use: Sequence[Unpriced]

    @property
    def hourly(self) -> Decimal:
        """Euros for an hour at the start, of all that has a price."""
        return sum((cost.hourly or Decimal(0) for cost in self.costs), Decimal(0))

    @property
    def most(self) -> Decimal:
        """Euros for an hour with every pool at its largest, of all that has a price."""
        return sum((cost.most or Decimal(0) for cost in self.costs), Decimal(0))

    @property
    def without_price(self) -> Sequence[Unpriced]:
        """What the totals leave out."""
        missing = [cost.billed for cost in self.costs if cost.price is None]
        named = [Unpriced(f"{each.part}: {each.what}", "the API names no price for it") for each in missing]
        return [*named, *self.by_use]


def bill(settings: Settings, prices: PriceList) -> Bill:
    """What an environment is billed for, by some prices."""
    costs = [Cost(billed, billed.hourly(prices)) for billed in rows(settings, prices)]
    return Bill(costs, list(unpriced(settings)))


def price_list(settings: Settings) -> PriceList:
    """Scaleway's prices in every zone of an environment. Raises CostError where they cannot be had."""
    try:
        return within(LONGEST_SECONDS, lambda: load(client(settings.scaleway), zones(settings)))
    except TimeoutError as error:
        raise CostError(
            f"Scaleway's prices cannot be had: no answer within {LONGEST_SECONDS} seconds from "
            f"{settings.scaleway.api_url}. Try again later; {PRICE_PAGE} shows them too."
        ) from error
    except (ScalewayException, requests.RequestException) as error:
        raise CostError(f"Scaleway's prices cannot be had: {error}. {PRICE_PAGE} shows them too.") from error


def table(of: Bill, days: int) -> Table:
    """The bill as an operator reads it."""
    event = "day" if days == 1 else f"{days} days"
    columns = ("of", "what", "how many", "€ an hour", "€ a day", f"€ for {event}", f"€ for {event}, pools largest")
    shown = Table(title="What it costs, without VAT", title_justify="left")
    for index, column in enumerate(columns):
        shown.add_column(column, justify="left" if index < 2 else "right")
    for cost in of.costs:
        shown.add_row(cost.billed.part, cost.billed.what, _units(cost.billed), *_amounts(cost.hourly, cost.most, days))
    shown.add_section()
    shown.add_row("all", "", "", *_amounts(of.hourly, of.most, days), style="bold")
    return shown


def _units(billed: Billed) -> str:
    least, most = (f"{units.quantize(Decimal('0.01')).normalize():f}" for units in (billed.units, billed.most))
    return (least if least == most else f"{least} to {most}") + (" GB" if billed.in_gigabytes else "")


def _amounts(hourly: Decimal | None, most: Decimal | None, days: int) -> tuple[str, str, str, str]:
    if hourly is None or most is None:
        return "not priced", "", "", ""
    return (
        _euros(hourly, "0.0001"),
        _euros(hourly * HOURS),
        _euros(hourly * HOURS * days),
        _euros(most * HOURS * days),
    )


def _euros(amount: Decimal, step: str = "0.01") -> str:
    return f"{amount.quantize(Decimal(step), ROUND_HALF_UP)}"


def check_bound(settings: Settings, stack: str) -> None:
    """Refuse what would cost more a day than the settings allow. Asks nobody where they bound nothing.

    Raises CostError.
    """
    bound = settings.costs.max_daily_eur
    if bound is None:
        return
    told = f"'make up STACK={stack} OPTIONS=--allow-cost' raises it all the same"
    try:
        found = bill(settings, price_list(settings))
    except CostError as error:
        raise CostError(
            f"{error} Whether a day costs more than costs.maxDailyEur ({bound}) is not known: {told}."
        ) from error
    daily = found.most * HOURS
    if daily > bound:
        raise CostError(
            f"a day may cost {_euros(daily)} € with every pool at its largest, and costs.maxDailyEur is {bound}. "
            f"'make cost STACK={stack}' shows what costs it; {told}."
        )
    without = len(found.without_price)
    if without:
        print(f"A day costs at most {_euros(daily)} €, without {without} that the API does not price.")


def cost(
    stack: StackName,
    days: Days = 2,
    check: Annotated[
        bool, typer.Option("--check", help="Only check that a day costs no more than costs.maxDailyEur.")
    ] = False,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Print the cost of an environment by the hour, the day and for the event, by Scaleway's own prices.

    Exit status: 0 when the prices could be had; with --check, 1 where a day may cost more than costs.maxDailyEur.
    """
    settings = Stack(stack, project, pulumi).settings()
    if check:
        check_bound(settings, stack)
    else:
        print_bill(settings, days)
    return 0


def print_bill(settings: Settings, days: int) -> None:
    """Print the bill of an event. Raises CostError where the prices cannot be had."""
    found = bill(settings, price_list(settings))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 132)
    console.print(table(found, days))
    for each in found.without_price:
        console.print(f"Not priced: {each.what} ({each.why}): {PRICE_PAGE}", soft_wrap=True)
    bound = settings.costs.max_daily_eur
    if bound is not None:
        at_most = _euros(found.most * HOURS)
        console.print(f"costs.maxDailyEur is {bound}; a day costs at most {at_most} € with every pool at its largest.")

"""What is left is priced as Scaleway bills it: by the piece, or by its size."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from cli.account import Item
from cli.cost.scaleway_prices import PriceList, Product
from cli.leftovers.inventory import KINDS
from cli.leftovers.leftover_prices import hourly_price
from cli.leftovers.leftovers_command import table_of
from cli.leftovers.survey import Leftover

PRICES = PriceList(
    {
        (Product.INSTANCE, "PRO2-XXS", "fr-par-1"): Decimal("0.055"),
        (Product.VOLUME, "sbs_5k", "fr-par"): Decimal("0.0001"),
        (Product.LOAD_BALANCER, "LB-S", "fr-par-1"): Decimal("0.02"),
        (Product.GATEWAY_IP, "", "global"): Decimal("0.005"),
    }
)


@pytest.mark.parametrize(
    ("product", "name", "type_", "gigabytes", "price"),
    [
        ("Instances", "Instance", "PRO2-XXS", 0, Decimal("0.055")),
        ("Block Storage", "volume", "sbs_5k", 50, Decimal("0.005")),
        ("Load Balancers", "load balancer", "lb-s", 0, Decimal("0.02")),
        ("Public Gateways", "flexible IP", "", 0, Decimal("0.005")),
        # The one is told with its nodes, the others are free.
        ("Kubernetes", "pool", "PRO2-XXS", 0, None),
        ("VPC", "private network", "", 0, None),
        # Not in this list of prices.
        ("Instances", "Instance", "PLAY2-MICRO", 0, None),
    ],
)
def test_each_kind_has_its_price(product: str, name: str, type_: str, gigabytes: int, price: Decimal | None) -> None:
    [kind] = [kind for kind in KINDS if (kind.product, kind.name) == (product, name)]
    item = Item("fr-par-1/an-id", "", frozenset(), "fr-par-1", type=type_, gigabytes=gigabytes)
    assert hourly_price(kind, item, PRICES) == price


def test_the_table_adds_them_up() -> None:
    printed = StringIO()
    priced = [
        Leftover("Instances", "Instance", "one", "fr-par-1/one", "fr-par-1", Decimal("0.055"), "a reason"),
        Leftover("VPC", "VPC", "two", "fr-par/two", "fr-par", None, "a reason"),
        Leftover("Load Balancers", "load balancer", "three", "fr-par-1/three", "fr-par-1", Decimal("0.02"), "a reason"),
    ]
    Console(file=printed, width=200).print(table_of(priced, "dev"))
    assert "Together EUR 0.0750 an hour, 1.80 a day, without VAT." in printed.getvalue()

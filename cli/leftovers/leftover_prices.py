"""What a thing at Scaleway costs, by the API's own prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from cli.account import Item
from cli.cost.scaleway_prices import PriceList, Product
from cli.leftovers.inventory import Kind

BY_SIZE: Final = frozenset({Product.VOLUME, Product.SNAPSHOT, Product.REGISTRY})
"""Priced by the gigabyte."""
_PRICED: Final[Mapping[tuple[str, str], Product]] = {
    ("Instances", "Instance"): Product.INSTANCE,
    ("Instances", "flexible IP"): Product.IP,
    ("Instances", "local volume"): Product.VOLUME,
    ("Block Storage", "volume"): Product.VOLUME,
    ("Block Storage", "snapshot"): Product.SNAPSHOT,
    ("Kubernetes", "cluster"): Product.CONTROL_PLANE,
    ("Load Balancers", "load balancer"): Product.LOAD_BALANCER,
    ("Load Balancers", "flexible IP"): Product.LOAD_BALANCER_IP,
    ("Public Gateways", "gateway"): Product.GATEWAY,
    ("Public Gateways", "flexible IP"): Product.GATEWAY_IP,
    ("Container Registry", "namespace"): Product.REGISTRY,
}
"""A pool has no price of its own: its nodes are Instances, with addresses and volumes."""
_WITHOUT_TYPE: Final = frozenset({Product.IP, Product.LOAD_BALANCER_IP, Product.GATEWAY_IP, Product.REGISTRY})


def hourly_price(kind: Kind, item: Item, prices: PriceList) -> Decimal | None:
    """Euros for an hour of a thing, without VAT; None where it has no price of its own."""
    product = _PRICED.get((kind.product, kind.name))
    if product is None:
        return None
    type_ = "" if product in _WITHOUT_TYPE else "sbs" if product is Product.SNAPSHOT else item.type
    price = prices.hourly(product, type_.upper() if product is Product.LOAD_BALANCER else type_, item.place)
    return price * item.gigabytes if price is not None and product in BY_SIZE else price

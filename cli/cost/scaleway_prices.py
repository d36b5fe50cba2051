"""Scaleway's prices, asked of its own API: euros without VAT, by the hour.

Instances (Kapsule's nodes are some) are priced by the Instance API, all else by the Product Catalog API, which asks no
key. What neither prices has no price here: nothing is guessed. Sources: https://www.scaleway.com/en/developers/api/
(`instances`, `product-catalog`); the SKUs are those of the provider's own recordings
(internal/services/{instance,billing}/testdata of github.com/scaleway/terraform-provider-scaleway).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from scaleway import Client
from scaleway.instance.v1 import InstanceV1API, ServerType
from scaleway.product_catalog.v2alpha1 import ProductCatalogV2Alpha1PublicCatalogAPI, PublicCatalogProduct

CURRENCY: Final = "EUR"
GLOBAL: Final = "global"
HOURS_A_MONTH: Final = 730
PRICE_PAGE: Final = "https://www.scaleway.com/en/pricing/"
_INSTANCE_PAGE: Final = 100
"""Most types that the Instance API puts on a page."""
_CATALOG_PAGE: Final = 1000


class Product(StrEnum):
    """What the program, or a cluster by itself, makes and Scaleway bills. What a type is stands behind each."""

    INSTANCE = "instance"
    """Commercial type, such as PRO2-XXS."""
    VOLUME = "volume"
    """sbs_5k, sbs_15k or l_ssd; the price is that of a gigabyte (10^9 bytes)."""
    SNAPSHOT = "snapshot"
    """sbs; the price is that of a gigabyte."""
    IP = "ip"
    """Flexible IPv4 address of an Instance or a node: no type."""
    CONTROL_PLANE = "control plane"
    """Type of the cluster, such as kapsule or kapsule-dedicated-4."""
    LOAD_BALANCER = "load balancer"
    """LB-S and larger."""
    LOAD_BALANCER_IP = "load balancer IP"
    """No type."""
    GATEWAY = "public gateway"
    """VPC-GW-S and larger."""
    GATEWAY_IP = "public gateway IP"
    """No type."""
    REGISTRY = "registry"
    """No type; the price is that of a stored gigabyte."""


@dataclass(frozen=True)
class PriceList:
    """Prices by product, type and place."""

    prices: Mapping[tuple[Product, str, str], Decimal]
    """Euros by the hour for one unit; the place is a zone, a region or `global`."""
    local_disks: frozenset[tuple[str, str]] = frozenset()
    """Type of Instance and zone of all that have disks of the hypervisor."""

    def hourly(self, product: Product, type_: str, zone: str) -> Decimal | None:
        """Euros for an hour of one unit in a zone or region; None where the API prices it nowhere."""
        for place in (zone, region_of(zone), GLOBAL):
            found = self.prices.get((product, type_, place))
            if found is not None:
                return found
        return None

    def has_local_disk(self, type_: str, zone: str) -> bool:
        """Whether a type of Instance has disks of the hypervisor, which a node then has for its root volume."""
        return (type_, zone) in self.local_disks


def load(client: Client, zones: Iterable[str] = ()) -> PriceList:
    """The API's prices. zones: where Instances are priced, by default the client's zone; all else is in one list.

    Raises ScalewayException or requests.RequestException where the API does not answer.
    """
    prices: dict[tuple[Product, str, str], Decimal] = {}
    for product in _catalog(client):
        kind, price = kind_of(product), price_of(product)
        if kind is not None and price is not None:
            prices[(*kind, _place(product))] = price
    local_disks: set[tuple[str, str]] = set()
    for zone in set(zones) or {client.default_zone or ""}:
        for name, type_ in server_types(client, zone).items():
            prices[Product.INSTANCE, name, zone] = Decimal(str(type_.hourly_price))
            if type_.volumes_constraint and type_.volumes_constraint.max_size:
                local_disks.add((name, zone))
    return PriceList(prices, frozenset(local_disks))


def server_types(client: Client, zone: str) -> Mapping[str, ServerType]:
    """Every type of Instance that a zone has, by name, on all pages."""
    api, found, page = InstanceV1API(client), dict[str, ServerType](), 1
    while True:
        types = api.list_servers_types(zone=zone, page=page, per_page=_INSTANCE_PAGE).servers
        found |= types
        if len(types) < _INSTANCE_PAGE:
            return found
        page += 1


def region_of(zone: str) -> str:
    """The region of a zone: fr-par for fr-par-1; a region is its own."""
    return re.sub(r"-\d+$", "", zone)


def _catalog(client: Client) -> Generator[PublicCatalogProduct]:
    api, seen, page = ProductCatalogV2Alpha1PublicCatalogAPI(client), 0, 1
    while True:
        # Unfiltered: addresses, gateways and the registry have no `product_type` of their own.
        answer = api.list_public_catalog_products(page=page, page_size=_CATALOG_PAGE)
        yield from answer.products
        seen += len(answer.products)
        if not answer.products or seen >= answer.total_count:
            return
        page += 1


_VOLUMES: Final = {"volume-low-latency-5k": "sbs_5k", "volume-low-latency-15k": "sbs_15k"}
_BLOCK: Final = re.compile(r"/storage/block/([^/]+)/")
_CONTROL_PLANE: Final = re.compile(r"/k8s/control-plane/(?:(kapsule-dedicated-\d+)/)?[^/]+")
"""The shared control plane has no segment of its own: /k8s/control-plane/fr-par."""
_GATEWAY: Final = re.compile(r"/network/vpc/public-gateway/(vpc-gw-[a-z0-9]+)/")


def kind_of(product: PublicCatalogProduct) -> tuple[Product, str] | None:
    """What of ours a row of the catalog prices; None for all else."""
    return _kind_by_properties(product) or _kind_by_sku(product.sku)


def _kind_by_properties(product: PublicCatalogProduct) -> tuple[Product, str] | None:
    properties = product.properties
    if properties is None:
        return None
    if properties.load_balancer is not None:
        if properties.load_balancer.node is not None:
            return Product.LOAD_BALANCER, properties.load_balancer.node.offer_id.upper()
        return (Product.LOAD_BALANCER_IP, "") if properties.load_balancer.ipv4 is not None else None
    return (Product.VOLUME, "l_ssd") if properties.instance_local_ssd_storage is not None else None


def _kind_by_sku(sku: str) -> tuple[Product, str] | None:
    if found := _BLOCK.match(sku):
        if found[1] == "snapshot":
            return Product.SNAPSHOT, "sbs"
        return (Product.VOLUME, _VOLUMES[found[1]]) if found[1] in _VOLUMES else None
    if found := _CONTROL_PLANE.fullmatch(sku):
        return Product.CONTROL_PLANE, found[1] or "kapsule"
    if found := _GATEWAY.match(sku):
        return Product.GATEWAY, found[1].upper()
    begins = {
        "/ip/reserved": (Product.IP, ""),
        "/network/vpc/public-gateway/ip/": (Product.GATEWAY_IP, ""),
        "/storage/local/ssd/storage": (Product.VOLUME, "l_ssd"),
        "/tools/registry/storage/": (Product.REGISTRY, ""),
    }
    return next((kind for begin, kind in begins.items() if sku.startswith(begin)), None)


def _place(product: PublicCatalogProduct) -> str:
    place = product.locality
    return (place and (place.zone or place.region)) or GLOBAL


_AN_HOUR: Final = {
    "minute": Fraction(60),
    "day": Fraction(1, 24),
    "month": Fraction(1, HOURS_A_MONTH),
    # A unit that is no time is billed by the hour: a gigabyte, a node, an address.
    **dict.fromkeys(("hour", "gigabyte", "node", "ip"), Fraction(1)),
}
"""How many of a unit an hour has."""


def price_of(product: PublicCatalogProduct) -> Decimal | None:
    """Euros for an hour of one unit; None for another currency, another unit, or what is not sold any more."""
    price, unit = product.price and product.price.retail_price, product.unit_of_measure
    units = _AN_HOUR.get(str(unit.unit)) if unit else None
    sold = str(product.status) not in {"retired", "end_of_life"}
    if price is None or unit is None or units is None or price.currency_code != CURRENCY or not sold:
        return None
    amount = Decimal(str(price.units or 0)) + Decimal(price.nanos or 0).scaleb(-9)
    return amount * units.numerator / (units.denominator * max(unit.size, 1))

"""Types of Instances and nodes: whether their zone has them, in stock, and for how much."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from decimal import Decimal
from typing import Final

from scaleway import Client
from scaleway.instance.v1 import InstanceV1API, ServerType, ServerTypesAvailability

from cli.cost.scaleway_prices import server_types
from cli.doctor.lines import Environment, Line, failure, ok, warning
from common.settings import Settings
from common.settings.problems import nearest

_PAGE: Final = 100


def check(environment: Environment) -> Generator[Line]:
    """A line for each type in each zone."""
    by_zone: dict[str, dict[str, str]] = {}
    for type_, zone, key in used(environment.settings):
        by_zone.setdefault(zone, {}).setdefault(type_, key)
    for zone, keys in by_zone.items():
        offered, stock = server_types(environment.client, zone), _stock(environment.client, zone)
        for type_, key in keys.items():
            yield _line(environment.stack, type_, zone, key, offered, stock)


def used(settings: Settings) -> Generator[tuple[str, str, str]]:
    """Each type with its zone and the setting that names it."""
    yield settings.gamemaster.type, settings.scaleway.zone, "gamemaster.type"
    for name, board in settings.boards.items():
        for label, pool in board.pools.items():
            key = f"boards.{name}.pools.{label}.nodeType"
            yield pool.node_type, pool.zone or settings.scaleway.zone, key


def _stock(client: Client, zone: str) -> Mapping[str, ServerTypesAvailability]:
    api, found, page = InstanceV1API(client), dict[str, ServerTypesAvailability](), 1
    while True:
        servers = api.get_server_types_availability(zone=zone, page=page, per_page=_PAGE).servers
        found |= {name: each.availability for name, each in servers.items()}
        if len(servers) < _PAGE:
            return found
        page += 1


def _line(
    stack: str,
    type_: str,
    zone: str,
    key: str,
    offered: Mapping[str, ServerType],
    stock: Mapping[str, ServerTypesAvailability],
) -> Line:
    what = f"type {type_}"
    mend = f"pulumi config set --path shambhala:{key} TYPE --stack {stack}"
    kind = offered.get(type_)
    if kind is None:
        return failure(what, f"{zone} has no such type{nearest(type_, offered)}", mend)
    price = f"{Decimal(str(kind.hourly_price))} € an hour"
    if kind.end_of_service:
        return failure(what, f"is no longer offered in {zone}{_others(kind, offered, stock)}", mend)
    if stock.get(type_) == ServerTypesAvailability.SHORTAGE:
        return failure(what, f"is out of stock in {zone}{_others(kind, offered, stock)}", mend)
    if stock.get(type_) == ServerTypesAvailability.SCARCE:
        return warning(what, f"is scarce in {zone}, {price}{_others(kind, offered, stock)}", mend)
    return ok(what, f"in stock in {zone}, {price}")


def _others(kind: ServerType, offered: Mapping[str, ServerType], stock: Mapping[str, ServerTypesAvailability]) -> str:
    """The cheapest three that are at least as large and in stock."""
    fitting = [
        (other.hourly_price, name)
        for name, other in offered.items()
        if stock.get(name) == ServerTypesAvailability.AVAILABLE
        and (other.arch, not other.end_of_service) == (kind.arch, True)
        and other.ncpus >= kind.ncpus
        and other.ram >= kind.ram
        and not other.gpu
        and other is not kind
    ]
    cheapest = [name for _, name in sorted(fitting)[:3]]
    return f"; in stock and no smaller: {', '.join(cheapest)}" if cheapest else ""

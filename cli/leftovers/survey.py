"""Survey of every product at Scaleway for resources of one environment.

The settings are enough: neither a state nor an update that worked is needed. Resources of other environments in the
same project are left out; a resource without any mark that is billed is named apart, for whoever knows it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Final

import requests
from scaleway import ScalewayException

from cli.account import Account, Item
from cli.cost.scaleway_prices import PriceList, load
from cli.leftovers.inventory import KINDS, Kind
from cli.leftovers.leftover_prices import hourly_price
from cli.leftovers.ownership import Whose, verdicts
from common.settings import Settings

READING: Final = {
    "Instances": "InstancesReadOnly",
    "Block Storage": "BlockStorageReadOnly",
    "Kubernetes": "KubernetesReadOnly",
    "Load Balancers": "LoadBalancersReadOnly",
    "Public Gateways": "VPCGatewayReadOnly",
    "VPC": "VPCReadOnly and PrivateNetworksReadOnly",
    "Container Registry": "ContainerRegistryReadOnly",
    "IAM": "IAMReadOnly",
    "Domains and DNS": "DomainsDNSReadOnly",
}
"""The permission sets with which each product is looked at.

Source: https://www.scaleway.com/en/docs/iam/reference-content/permission-sets/
"""
AT_ONCE: Final = 8
"""Products that are asked side by side."""


class UnprovenError(Exception):
    """Not everything could be looked at, so nothing is proven; the text says what, and why."""


@dataclass(frozen=True)
class Leftover:
    """One thing at Scaleway that is thought to be an environment's."""

    product: str
    kind: str
    name: str
    id: str
    """As the provider writes it: with the zone of what has one, else with the region."""
    place: str
    """Zone or region; empty for what has neither."""
    hourly_price: Decimal | None
    """Euros without VAT; None where it has no price of its own."""
    why: str
    """Why it is thought to be the environment's."""


@dataclass(frozen=True)
class Survey:
    """What a look at every product has shown."""

    ours: Sequence[Leftover]
    unknown: Sequence[Leftover]
    """Billed, and without a mark that says whose it is."""


def survey(settings: Settings, clusters: Collection[str] = ()) -> Survey:
    """Look at every product, and tell the environment's resources from others' as far as that can be.

    clusters: bare ids of clusters that were the environment's, where a state still tells them; what they made and left
    behind can then be told from what other clusters did. Raises UnprovenError.
    """
    account = Account.of(settings)
    with ThreadPoolExecutor(AT_ONCE) as workers:
        lists = list(workers.map(partial(_listed, account=account, settings=settings), KINDS))
    unseen = {seen: None for seen in lists if isinstance(seen, str)}
    if unseen:
        raise UnprovenError(f"not everything could be looked at, so nothing is proven: {'; '.join(unseen)}")
    standing = [
        (kind, item) for kind, seen in zip(KINDS, lists, strict=True) if not isinstance(seen, str) for item in seen
    ]
    known = verdicts(standing, settings.environment, settings.scaleway.project_id, clusters)
    ours: list[tuple[Kind, Item]] = []
    unknown: list[tuple[Kind, Item]] = []
    for kind, item in standing:
        verdict = known[item.id]
        if verdict.whose in (Whose.OURS, Whose.OF_A_LOST_CLUSTER):
            ours.append((kind, item))
        elif verdict.whose is Whose.UNKNOWN and kind.billed and not item.automatic:
            unknown.append((kind, item))
    prices = _prices(account) if ours or unknown else PriceList({})

    def told(found: Sequence[tuple[Kind, Item]]) -> list[Leftover]:
        return [
            Leftover(
                kind.product,
                kind.name,
                item.name,
                item.id,
                item.place,
                hourly_price(kind, item, prices),
                known[item.id].why,
            )
            for kind, item in found
        ]

    return Survey(told(ours), told(unknown))


def _prices(account: Account) -> PriceList:
    """The API's prices; none where it does not tell them, for what is left counts more than what it costs."""
    try:
        return load(account.client, account.zones)
    except (ScalewayException, requests.RequestException):
        return PriceList({})


def _listed(kind: Kind, account: Account, settings: Settings) -> Sequence[Item] | str:
    """All of a kind, or why it could not be looked at."""
    try:
        return list(kind.list(account))
    except ScalewayException as error:
        if error.status_code == HTTPStatus.FORBIDDEN:
            if not _could_make(kind.product, settings):
                # What the environment's key may not even list it has not made.
                return []
            return f"the API key may not list {kind.product}: give it {READING[kind.product]}, or ask with another key"
        if error.status_code == HTTPStatus.UNAUTHORIZED:
            return "Scaleway refuses the API key: see scaleway.accessKey and scaleway.secretKey"
        return f"{kind.product} ({kind.name}): {_message(error)}; try again"
    except requests.RequestException as error:
        return f"{settings.scaleway.api_url} does not answer ({type(error).__name__}): try again"


def _message(error: ScalewayException) -> str:
    """What Scaleway said, without what is for programs."""
    try:
        return str(error.response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"Scaleway answers {error.status_code}"


def _could_make(product: str, settings: Settings) -> bool:
    """Whether the settings let the program make something in a product."""
    if product == "Domains and DNS":
        return settings.parent_zone == "scaleway"
    if product == "Public Gateways":
        return not all(pool.public_ip for board in settings.boards.values() for pool in board.pools.values())
    return product not in ("Container Registry", "IAM")

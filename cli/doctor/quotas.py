"""The organisation's quotas against what the settings need, every pool at its largest.

Quotas are limits: what is in use already, by this environment or another, the API does not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from scaleway import ScalewayException
from scaleway.iam.v1alpha1 import IamV1Alpha1API, Quotum

from cli.cost.billed_resources import Billed, rows
from cli.cost.scaleway_prices import PriceList, Product, region_of
from cli.doctor.api_key import organization_of
from cli.doctor.lines import Environment, Line, failure, ok, warning

WHAT: Final = "quotas"
CONSOLE: Final = "https://console.scaleway.com/organization/quotas"
TYPE_PREFIX: Final = "cp_servers_type_"
"""A type's quota is called so, with '_' for each '-': `cp_servers_type_L4_1_24G has reached its quota (0/0)` is how
Scaleway refuses an Instance. The other quotas' names are published nowhere: they are found by what they are called on
https://www.scaleway.com/en/docs/organizations-and-projects/additional-content/organization-quotas/"""


@dataclass(frozen=True)
class Need:
    """What an environment needs of one quota."""

    name: str
    """The quota's own name, or what Scaleway's page calls it."""
    place: str
    """Zone or region."""
    least: int
    """At the start."""
    most: int
    """Every pool at its largest."""


def check(environment: Environment) -> Generator[Line]:
    """A line for each need that a quota is too small for, or one line that all are large enough."""
    settings = environment.settings
    # Node types' disks of their own do not matter here, so no price does.
    wanted = list(needs(rows(settings, PriceList({}))))
    wanted.append(Need("Private Networks", settings.scaleway.region, *2 * [1 + len(settings.boards)]))
    try:
        quotas = IamV1Alpha1API(environment.client).list_quota_all(organization_id=organization_of(environment))
    except ScalewayException as error:
        if error.status_code != HTTPStatus.FORBIDDEN:
            raise
        yield warning(WHAT, "cannot be looked at: the key lacks OrganizationReadOnly", CONSOLE)
        return
    found = [line for need in wanted if (line := _line(need, quotas)) is not None]
    yield from found
    if not found:
        yield ok(WHAT, f"large enough for all {len(wanted)} needs; what others use of them is not counted")


_LOOKED_AT: Final = {
    Product.CONTROL_PLANE: "Kubernetes Kapsule",
    Product.IP: "Instances IPs",
    Product.LOAD_BALANCER: "Load Balancers",
    Product.GATEWAY: "Public Gateways",
}
"""Products that a quota counts, and what Scaleway's page calls it; each type of Instance has one of its own."""


def needs(billed: Iterable[Billed]) -> Generator[Need]:
    """What the billed resources need of each quota."""
    least, most = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in billed:
        if row.product is Product.INSTANCE:
            names = [TYPE_PREFIX + row.type.replace("-", "_")]
        elif row.product is Product.VOLUME:
            names = ["Local Storage total size in GB" if row.type == "l_ssd" else "Block Storage total size in GB"]
        else:
            names = [_LOOKED_AT[row.product]] if row.product in _LOOKED_AT else []
        for name in names:
            least[name, row.zone] += round(row.units)
            most[name, row.zone] += round(row.most)
    for (name, place), units in least.items():
        yield Need(name, place, units, most[name, place])


def _line(need: Need, quotas: Sequence[Quotum]) -> Line | None:
    label = need.name.removeprefix(TYPE_PREFIX).replace("_", "-") if need.name.startswith(TYPE_PREFIX) else need.name
    quota = _quota(need.name, quotas)
    if quota is None:
        return warning(WHAT, f"{label}: {need.most} needed, and the API names no quota so", CONSOLE)
    limit = _limit(quota, need.place)
    if limit is None or need.most <= limit:
        return None
    where = f"{label} in {need.place}: {limit} allowed"
    if need.least > limit:
        return failure(WHAT, f"{where}, {need.least} needed at the start", f"ask for more at {CONSOLE}")
    return warning(WHAT, f"{where}, {need.most} needed with every pool at its largest", f"ask for more at {CONSOLE}")


def _quota(name: str, quotas: Sequence[Quotum]) -> Quotum | None:
    exact = next((quota for quota in quotas if quota.name == name), None)
    if exact or name.startswith(TYPE_PREFIX):
        return exact
    words = _words(name)
    fitting = [quota for quota in quotas if words <= _words(quota.pretty_name)]
    # `Kubernetes Kapsule` goes before `Kubernetes Kapsule with Dedicated control plane 16`.
    return min(fitting, key=lambda quota: len(quota.pretty_name), default=None)


def _words(text: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"[a-z0-9]+", text.lower())}


def _limit(quota: Quotum, place: str) -> int | None:
    """The limit at a place; None for none."""
    for each in quota.limits:
        if each.global_ or place in {each.zone, each.region} or region_of(place) == each.region:
            return None if each.unlimited else each.limit
    return None if quota.unlimited else quota.limit

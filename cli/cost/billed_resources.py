"""What Scaleway bills for an environment, from its settings: a row for each resource, without asking anybody."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cli.cost.scaleway_prices import PriceList, Product
from common.settings import GITEA, Board, Pool, Settings

CLUSTER_TYPE: Final = "kapsule"
LOAD_BALANCER: Final = "LB-S"
"""What Kapsule makes where the Service names no type.

Source: https://github.com/scaleway/scaleway-cloud-controller-manager/blob/main/docs/loadbalancer-annotations.md
"""
GATEWAY: Final = "VPC-GW-S"
BLOCK_STORAGE: Final = "sbs_5k"
"""Block storage where no speed is named, and that of Kapsule's default StorageClass `sbs-default`.

Source: https://github.com/scaleway/scaleway-csi
"""
_GIB: Final = Decimal(2**30) / 10**9
"""Gigabytes in a GiB: claims count in the one, the price in the other."""


@dataclass(frozen=True, kw_only=True)
class Billed:
    """One resource, or several alike."""

    part: str
    """Whose it is, such as `board blue`."""
    what: str
    product: Product
    type: str = ""
    zone: str
    units: Decimal
    """How many, or how many gigabytes, at the start."""
    most: Decimal
    """The same, every pool at its largest."""

    @property
    def in_gigabytes(self) -> bool:
        """Whether the units are gigabytes."""
        return self.product in {Product.VOLUME, Product.SNAPSHOT, Product.REGISTRY}

    def hourly(self, prices: PriceList) -> Decimal | None:
        """Euros for an hour of one unit; None where the API has no price."""
        return prices.hourly(self.product, self.type, self.zone)


@dataclass(frozen=True)
class Unpriced:
    """What is billed by use or elsewhere, so that no row can price it."""

    what: str
    why: str


def rows(settings: Settings, prices: PriceList) -> Generator[Billed]:
    """Every resource that is billed by the hour.

    prices: they know which node types have disks of the hypervisor, which are then a node's root volume by default.
    """
    yield from _game_master(settings)
    for name, board in settings.boards.items():
        yield from _board(settings, name, board, prices)
    yield from _claims(settings)


def unpriced(settings: Settings) -> Generator[Unpriced]:
    """What no row counts."""
    if settings.parent_zone == "scaleway":
        yield Unpriced(f"the zone {settings.domain} in Scaleway DNS", "the API names no price for it")
    if settings.delivery.makes_a_registry:
        yield Unpriced("images in the program's registry", "billed by what is stored")
    if settings.observability.logs.object_storage is not None:
        yield Unpriced("object storage of the logs", "billed by what is stored and sent")


def zones(settings: Settings) -> set[str]:
    """Every zone in which something is billed."""
    pools = (pool for board in settings.boards.values() for pool in board.pools.values())
    return {settings.scaleway.zone, *(pool.zone or settings.scaleway.zone for pool in pools)}


def _game_master(settings: Settings) -> Generator[Billed]:
    own, zone = settings.gamemaster, settings.scaleway.zone
    part = "game master"
    yield _row(part, f"Instance {own.type}", Product.INSTANCE, own.type, zone, 1)
    disk = "l_ssd" if own.volume_type == "l_ssd" else BLOCK_STORAGE
    yield _row(part, f"root volume {disk}", Product.VOLUME, disk, zone, own.volume_size_gb)
    yield _row(part, "public address", Product.IP, "", zone, 1)


def _board(settings: Settings, name: str, board: Board, prices: PriceList) -> Generator[Billed]:
    part, zone, region = f"board {name}", settings.scaleway.zone, settings.scaleway.region
    yield _row(part, f"control plane {CLUSTER_TYPE}", Product.CONTROL_PLANE, CLUSTER_TYPE, region, 1)
    for label, pool in board.pools.items():
        yield from _pool(part, label, pool, pool.zone or zone, prices)
    yield _row(part, f"load balancer {LOAD_BALANCER}", Product.LOAD_BALANCER, LOAD_BALANCER, zone, 1)
    yield _row(part, "its public address", Product.LOAD_BALANCER_IP, "", zone, 1)
    if not all(pool.public_ip for pool in board.pools.values()):
        yield _row(part, f"Public Gateway {GATEWAY}", Product.GATEWAY, GATEWAY, zone, 1)
        yield _row(part, "its public address", Product.GATEWAY_IP, "", zone, 1)


def _pool(part: str, label: str, pool: Pool, zone: str, prices: PriceList) -> Generator[Billed]:
    most = pool.max_size if pool.autoscaling else pool.size
    kind, size = pool.node_type, pool.root_volume_size_gb
    disk = pool.root_volume_type or ("l_ssd" if prices.has_local_disk(kind, zone) else BLOCK_STORAGE)
    yield _row(part, f"pool {label}: nodes {kind}", Product.INSTANCE, kind, zone, pool.size, most)
    yield _row(part, f"pool {label}: root volumes {disk}", Product.VOLUME, disk, zone, size * pool.size, size * most)
    if pool.public_ip:
        yield _row(part, f"pool {label}: public addresses", Product.IP, "", zone, pool.size, most)


def _claims(settings: Settings) -> Generator[Billed]:
    """Volumes that the active board's pods claim."""
    part, zone = f"board {settings.active_board}", settings.scaleway.zone
    for name, gigabytes in claims(settings):
        yield _row(part, f"volume of {name}", Product.VOLUME, BLOCK_STORAGE, zone, gigabytes)


def claims(settings: Settings) -> Generator[tuple[str, Decimal]]:
    """Who claims a volume on the active board, and its gigabytes (10^9 bytes)."""
    logs, metrics = settings.observability.logs, settings.observability.metrics
    yield from ((f"Loki {index}", Decimal(logs.volume_size_gb)) for index in range(logs.replicas))
    yield "Prometheus", Decimal(metrics.volume_size_gb)
    yield "Grafana", 5 * _GIB
    yield "the hunt", 5 * _GIB
    if settings.delivery.master_key is not None:
        yield "PostgreSQL", 5 * _GIB
        yield "PostgreSQL's dumps", 5 * _GIB
        if settings.delivery.scm == GITEA:
            yield "Gitea", 10 * _GIB


def _row(
    part: str,
    what: str,
    product: Product,
    type_: str,
    zone: str,
    units: int | Decimal,
    most: int | Decimal | None = None,
) -> Billed:
    return Billed(
        part=part,
        what=what,
        product=product,
        type=type_,
        zone=zone,
        units=Decimal(units),
        most=Decimal(units if most is None else most),
    )

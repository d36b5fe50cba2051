"""Product Catalog v2alpha1: what Scaleway sells, and for how much.

The rows have the fields of Scaleway's own, as the provider recorded them (internal/services/instance/testdata/
data-source-server-type-basic) and the SDK reads them. **The prices are the stand-in's**: figures of the public price
list (https://www.scaleway.com/en/pricing/) as it was in 2026, for the rows' sake, not for accounting.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from aiohttp import web
from multidict import MultiMapping

from rehearsal.scaleway.context import Context
from rehearsal.scaleway.marketplace_images import ZONES
from rehearsal.scaleway.offers import SERVER_TYPES
from rehearsal.scaleway.records import Record, region_of

PATH = "/product-catalog/v2alpha1/public-catalog/products"
LARGEST_PAGE = 1000
REGIONS = tuple(dict.fromkeys(map(region_of, ZONES)))
CONTROL_PLANES = {"": "0", "kapsule-dedicated-4": "0.11", "kapsule-dedicated-8": "0.18", "kapsule-dedicated-16": "0.35"}
VOLUMES = {"volume-low-latency-5k": "0.000118", "volume-low-latency-15k": "0.000177", "snapshot": "0.000044"}
LOAD_BALANCERS = {"lb-s": "0.023", "lb-gp-m": "0.06"}
GATEWAYS = {"vpc-gw-s": "0.02", "vpc-gw-m": "0.04"}
_COUNTS = {"gigabyte": "per GB", "hour": "per hour", "node": "per node", "ip": "per IP"}


class ProductCatalog:
    """The catalog. Asking for it takes no key."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self._list)]

    async def _list(self, request: web.Request) -> web.Response:
        unpriced = tuple(self._context.account.unpriced)
        rows = [row for row in _rows() if not row["sku"].startswith(unpriced) and _asked_for(row, request.query)]
        size = min(int(request.query.get("page_size", "50")), LARGEST_PAGE)
        first = (int(request.query.get("page", "1")) - 1) * size
        return web.json_response({"products": rows[first : first + size], "total_count": len(rows)})


def _asked_for(row: Record, query: MultiMapping[str]) -> bool:
    """Whether a row passes the filters of a request; one that is not given lets all pass."""
    for place in ("zone", "region", "datacenter"):
        if place in query and row["locality"].get(place) != query[place]:
            return False
    if query.get("global") == "true" and "global" not in row["locality"]:
        return False
    properties: Record = row["properties"]
    types, ids = query.getall("product_types", []), query.getall("api_ids", [])
    offers = {
        properties.get("instance", {}).get("offer_id"),
        properties.get("load_balancer", {}).get("node", {}).get("offer_id"),
    }
    return (not types or bool(properties.keys() & set(types))) and (not ids or bool(offers & set(ids)))


def _rows() -> Iterator[Record]:
    anywhere, local = {"global": True}, _properties("instance_local_ssd_storage")
    yield _row("/ip/reserved", "Flexible IP", "0.004", "ip", place=anywhere)
    yield _row("/storage/local/ssd/storage", "Local SSD", "0.000044", "gigabyte", place=anywhere, properties=local)
    for region in REGIONS:
        yield from _regional(region)
    for zone in ZONES:
        yield from _zonal(zone)


def _regional(region: str) -> Iterator[Record]:
    place, control_plane = {"region": region}, _properties("kubernetes", "kapsule_control_plane")
    for name, price in CONTROL_PLANES.items():
        # The shared one has no segment of its own.
        sku = f"/k8s/control-plane/{name}/{region}".replace("//", "/")
        yield _row(sku, "Kubernetes", price, "hour", place=place, properties=control_plane)
    registry = f"/tools/registry/storage/{region.partition('-')[0]}"
    yield _row(registry, "Registry - Storage", "0.000037", "gigabyte", place=place)


def _zonal(zone: str) -> Iterator[Record]:
    place = {"zone": zone}
    for kind in SERVER_TYPES.values():
        offer: Record = {"instance": {"range": "", "offer_id": kind.name, "recommended_replacement_offer_ids": []}}
        sku = f"/compute/{kind.name.lower().replace('-', '_')}/run_{zone}"
        yield _row(sku, kind.name, str(kind.hourly_price), "hour", place=place, properties=offer)
    for name, price in VOLUMES.items():
        storage = _properties("block_storage", "snapshot" if name == "snapshot" else "volume")
        sku = f"/storage/block/{name}/{zone}"
        yield _row(sku, "Block Storage", price, "gigabyte", place=place, properties=storage)
    for name, price in LOAD_BALANCERS.items():
        node = {"node": {"offer_id": name, "multi_cloud_provider": False, "bandwidth": 200_000_000}}
        sku = f"/lb/node/{name}/{zone}"
        yield _row(sku, "Load Balancer", price, "node", place=place, properties={"load_balancer": node})
    ipv4 = _properties("load_balancer", "ipv4")
    yield _row(f"/lb/ip/v1/{zone}", "Load Balancer IP", "0.005", "ip", place=place, properties=ipv4)
    for name, price in GATEWAYS.items():
        yield _row(f"/network/vpc/public-gateway/{name}/{zone}", "VPC Public Gateway", price, "hour", place=place)
    yield _row(f"/network/vpc/public-gateway/ip/{zone}", "VPC Public Gateway IP", "0.004", "hour", place=place)


def _properties(*names: str) -> Record:
    """Empty objects, each in the one before."""
    found: Record = {}
    for name in reversed(names):
        found = {name: found}
    return found


def _row(sku: str, product: str, price: str, unit: str, *, place: Record, properties: Record | None = None) -> Record:
    amount = Decimal(price)
    where = next(iter(place.values()))
    return {
        "sku": sku,
        "service_category": "",
        "product_category": product,
        "product": product,
        "variant": f"{product} - {where}",
        "description": f"{product} - {where} ({price}€ {_COUNTS[unit]})",
        "locality": place,
        "price": {
            "retail_price": {
                "currency_code": "EUR",
                "units": int(amount),
                "nanos": int((amount - int(amount)).scaleb(9)),
            }
        },
        "properties": properties or {},
        "unit_of_measure": {"unit": unit, "size": 1},
        "status": "general_availability",
        "badges": [],
    }

"""IPAM v1: who has which address in which private network."""

from __future__ import annotations

import secrets
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network
from itertools import islice

from aiohttp import web

from rehearsal.scaleway.api_errors import invalid, not_in_stand_in, still_in_use
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import has_tags, listing
from rehearsal.scaleway.records import Record, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

_IPS = "/ipam/v1/regions/{region}/ips"
RESERVED = 2
"""The network's own address and its gateway's are never given away."""


class Ipam:
    """Gives addresses of private networks to what is attached to them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_IPS, self._list),
            web.post(_IPS, self._create),
            web.get(_IPS + "/{id}", self._get),
            web.patch(_IPS + "/{id}", self._update),
            web.delete(_IPS + "/{id}", self._delete),
        ]

    def attach(
        self,
        network: Record,
        resource: Record,
        booked: list[Record] | None = None,
        *,
        versions: tuple[int, ...] = (4, 6),
    ) -> list[str]:
        """Give a resource an address of a private network for each version of IP; returns the ids.

        resource: its type, id, mac_address and name. booked: addresses reserved before, given instead of new ones.
        """
        subnets = [each for each in network["subnets"] if ip_network(each["subnet"]).version in versions]
        chosen = booked or [self._take(network, subnet, None) for subnet in subnets]
        for ip in chosen:
            ip.update(resource=resource, updated_at=now())
        return [ip["id"] for ip in chosen]

    def detach(self, resource_id: str) -> None:
        """Take a resource's addresses back; those that were reserved before it stay."""
        for ip in self._store.ipam_ips:
            if ip["resource"] and ip["resource"]["id"] == resource_id:
                if ip["_booked"]:
                    ip.update(resource=None, updated_at=now())
                else:
                    self._store.ipam_ips.remove(ip["id"])

    def booked(self, identity: str) -> Record:
        """A reserved address that nobody uses. Raises ApiError (400, 404)."""
        ip = self._store.ipam_ips.get(identity)
        if ip["resource"]:
            raise invalid("ip_ids", f"IP {identity} is attached to another resource")
        return ip

    async def _list(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        ips = [ip for ip in self._store.ipam_ips.where(region=region) if _wanted(ip, request) and has_tags(request, ip)]
        return listing(request, "ips", [public(ip) for ip in reversed(ips)])

    async def _create(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project = self._context.project(body, "ip")
        source = RequestBody(body.object("source"))
        identity = source.text("private_network_id", "")
        subnet_id, version_6 = source.text("subnet_id", ""), body.flag("is_ipv6")
        address, tags = body.maybe_text("address"), body.texts("tags")
        source.check()
        body.check()
        if "resource" in body:
            raise not_in_stand_in("custom resources with an address of their own")
        for network in self._store.private_networks.where(region=request.match_info["region"]):
            for subnet in network["subnets"]:
                fits = network["id"] == identity and (ip_network(subnet["subnet"]).version == 6) == version_6
                if fits or subnet["id"] == subnet_id:
                    ip = self._take(network, subnet, address)
                    ip.update(project_id=project, tags=tags, _booked=True)
                    self._store.save()
                    return web.json_response(public(ip))
        raise invalid("source", "source must name a private network or one of its subnets")

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(public(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        ip = self._find(request)
        body = await RequestBody.of(request)
        tags = body.texts("tags") if "tags" in body else ip["tags"]
        body.check()
        ip.update(tags=tags, updated_at=now())
        self._store.save()
        return web.json_response(public(ip))

    async def _delete(self, request: web.Request) -> web.Response:
        ip = self._find(request)
        if ip["resource"]:
            raise still_in_use("the IP is attached to a resource")
        self._store.ipam_ips.remove(ip["id"])
        self._store.save()
        return web.Response(status=204)

    def _find(self, request: web.Request) -> Record:
        return self._store.ipam_ips.get(request.match_info["id"], region=request.match_info["region"])

    def _take(self, network: Record, subnet: Record, address: str | None) -> Record:
        within = ip_network(subnet["subnet"])
        taken = {str(ip_interface(ip["address"]).ip) for ip in self._store.ipam_ips}
        if address is None:
            address = _free(within, taken)
        elif address in taken or ip_address(address) not in within:
            raise invalid("address", f"{address} is taken or not in {within}")
        return self._store.ipam_ips.add(
            {
                "id": new_id(),
                "address": f"{address}/{within.prefixlen}",
                "project_id": network["project_id"],
                "is_ipv6": within.version == 6,
                "created_at": now(),
                "updated_at": now(),
                "source": {"subnet_id": subnet["id"]},
                "resource": None,
                "tags": [],
                "reverses": [],
                "region": network["region"],
                "zone": None,
                "_private_network_id": network["id"],
                "_booked": False,
            }
        )


def _free(within: IPv4Network | IPv6Network, taken: set[str]) -> str:
    if isinstance(within, IPv6Network):
        return str(within.network_address + secrets.randbits(64))
    free = (str(host) for host in islice(within.hosts(), RESERVED - 1, None) if str(host) not in taken)
    address = next(free, None)
    if address is None:
        raise invalid("private_network_id", f"the subnet {within} has no free address left")
    return address


def _wanted(ip: Record, request: web.Request) -> bool:
    """Whether an address fits every filter of the request; unknown_type is the SDKs' word for any."""
    query = request.query
    resource: Record = ip["resource"] or {}
    kind = query.get("resource_type", "unknown_type")
    return (
        query.get("private_network_id", ip["_private_network_id"]) == ip["_private_network_id"]
        and query.get("project_id", ip["project_id"]) == ip["project_id"]
        and query.get("zonal", ip["zone"]) == ip["zone"]
        and query.get("resource_id", resource.get("id")) == resource.get("id")
        and query.get("resource_name", resource.get("name")) == resource.get("name")
        and query.get("mac_address", resource.get("mac_address")) == resource.get("mac_address")
        and query.get("attached", str(bool(resource)).lower()) == str(bool(resource)).lower()
        and query.get("is_ipv6", str(ip["is_ipv6"]).lower()) == str(ip["is_ipv6"]).lower()
        and kind in ("unknown_type", resource.get("type"))
    )

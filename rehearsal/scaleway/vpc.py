"""VPC v2: VPCs and their private networks. Both are final as soon as they have been answered, as on Scaleway."""

from __future__ import annotations

import logging
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network

from aiohttp import web

from rehearsal.scaleway.api_errors import failed_behind, invalid, still_in_use
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import has_tags, listing
from rehearsal.scaleway.records import Record, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

_VPCS = "/vpc/v2/regions/{region}/vpcs"
_NETWORKS = "/vpc/v2/regions/{region}/private-networks"
SUBNET_PREFIX = 22
"""Size of the IPv4 subnet that a private network gets when none is asked for."""
UNIQUE_LOCAL = IPv6Network("fd00::/8")
_log = logging.getLogger(__name__)


class Vpc:
    """VPCs hold private networks; a private network is a network of the machines behind the API."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_VPCS, self._list),
            web.post(_VPCS, self._create),
            web.get(_VPCS + "/{id}", self._get),
            web.patch(_VPCS + "/{id}", self._update),
            web.delete(_VPCS + "/{id}", self._delete),
            web.post(_VPCS + "/{id}/enable-routing", self._get),
            web.post(_VPCS + "/{id}/enable-custom-routes-propagation", self._get),
            web.get(_NETWORKS, self._list_networks),
            web.post(_NETWORKS, self._create_network),
            web.get(_NETWORKS + "/{id}", self._get_network),
            web.patch(_NETWORKS + "/{id}", self._update_network),
            web.delete(_NETWORKS + "/{id}", self._delete_network),
        ]

    async def resume(self) -> None:
        """Create the stored networks again; those that exist stay."""
        for network in self._store.private_networks:
            try:
                await self._context.machines.create_network(network["id"], ipv4_subnet(network))
            except Exception:
                # The machines in it will say so too; the API itself must come up.
                _log.exception("private network %s could not be made again", network["id"])

    def is_empty(self, network: Record) -> bool:
        """Whether nothing is attached to a private network and no address in it is reserved."""
        identity = network["id"]
        users = self._store.clusters.where(private_network_id=identity)
        return not users and not self._store.ipam_ips.where(_private_network_id=identity)

    async def remove(self, network: Record) -> None:
        """Remove a private network and the one behind it."""
        await self._context.machines.remove_network(network["id"])
        self._store.private_networks.remove(network["id"])
        self._store.save()

    async def _list(self, request: web.Request) -> web.Response:
        vpcs = self._store.vpcs.where(region=request.match_info["region"])
        query = request.query
        chosen = [
            self._view(vpc)
            for vpc in vpcs
            if query.get("name", "") in vpc["name"]
            and query.get("is_default", str(vpc["is_default"]).lower()) == str(vpc["is_default"]).lower()
            and has_tags(request, vpc)
        ]
        return listing(request, "vpcs", chosen)

    async def _create(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project = self._context.project(body, "vpc")
        name, tags = body.text("name", "vpc"), body.texts("tags")
        transitive = body.flag("enable_transitivity")
        body.check()
        vpc = self._add(request.match_info["region"], project, name, tags)
        vpc["transitivity_enabled"] = transitive
        self._store.save()
        return web.json_response(self._view(vpc))

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._view(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        vpc = self._find(request)
        body = await RequestBody.of(request)
        changes = {
            "name": body.text("name", vpc["name"]),
            "tags": body.texts("tags") if "tags" in body else vpc["tags"],
        }
        body.check()
        vpc.update(changes, updated_at=now())
        self._store.save()
        return web.json_response(self._view(vpc))

    async def _delete(self, request: web.Request) -> web.Response:
        vpc = self._find(request)
        if self._store.private_networks.where(vpc_id=vpc["id"]):
            raise still_in_use("VPC must be empty to be deleted")
        self._store.vpcs.remove(vpc["id"])
        self._store.save()
        return web.Response(status=204)

    async def _list_networks(self, request: web.Request) -> web.Response:
        networks = self._store.private_networks.where(region=request.match_info["region"])
        query = request.query
        chosen = [
            public(network)
            for network in networks
            if query.get("name", network["name"]) == network["name"]
            and query.get("vpc_id", network["vpc_id"]) == network["vpc_id"]
            and has_tags(request, network)
        ]
        return listing(request, "private_networks", chosen)

    async def _create_network(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        body = await RequestBody.of(request)
        project = self._context.project(body, "private_network")
        name, tags = body.text("name", "pn"), body.texts("tags")
        propagated = body.flag("default_route_propagation_enabled")
        wanted = self._subnets(body)
        vpc_id = body.maybe_text("vpc_id")
        body.check()
        vpc = self._store.vpcs.get(vpc_id, region=region) if vpc_id else self._default(region, project)
        identity, time = new_id(), now()
        network: Record = {
            "id": identity,
            "name": name,
            "tags": tags,
            "organization_id": self._context.credentials.organization_id,
            "created_at": time,
            "updated_at": time,
            "project_id": project,
            "subnets": [
                {
                    "id": new_id(),
                    "created_at": time,
                    "updated_at": time,
                    "subnet": str(subnet),
                    "project_id": project,
                    "private_network_id": identity,
                    "vpc_id": vpc["id"],
                    "region": region,
                }
                for subnet in wanted
            ],
            "vpc_id": vpc["id"],
            "dhcp_enabled": True,
            "default_route_propagation_enabled": propagated,
            "has_s3_integration": False,
            "region": region,
        }
        # In the store first, so that a request at the same time does not get the same subnet.
        self._store.private_networks.add(network)
        try:
            await self._context.machines.create_network(identity, ipv4_subnet(network))
        except Exception as error:
            _log.exception("private network %s could not be made", identity)
            self._store.private_networks.remove(identity)
            raise failed_behind(f"The private network could not be made on this machine: {error}") from error
        self._store.save()
        return web.json_response(public(network))

    async def _get_network(self, request: web.Request) -> web.Response:
        return web.json_response(public(self._find_network(request)))

    async def _update_network(self, request: web.Request) -> web.Response:
        network = self._find_network(request)
        body = await RequestBody.of(request)
        changes = {
            "name": body.text("name", network["name"]),
            "tags": body.texts("tags") if "tags" in body else network["tags"],
            "default_route_propagation_enabled": body.flag(
                "default_route_propagation_enabled", network["default_route_propagation_enabled"]
            ),
        }
        body.check()
        network.update(changes, updated_at=now())
        self._store.save()
        return web.json_response(public(network))

    async def _delete_network(self, request: web.Request) -> web.Response:
        network = self._find_network(request)
        if not self.is_empty(network):
            raise still_in_use("Private Network must be empty to be deleted")
        try:
            await self.remove(network)
        except Exception as error:
            _log.exception("private network %s could not be removed", network["id"])
            raise failed_behind(f"The private network could not be removed from this machine: {error}") from error
        return web.Response(status=204)

    def _find(self, request: web.Request) -> Record:
        return self._store.vpcs.get(request.match_info["id"], region=request.match_info["region"])

    def _find_network(self, request: web.Request) -> Record:
        return self._store.private_networks.get(request.match_info["id"], region=request.match_info["region"])

    def _view(self, vpc: Record) -> Record:
        networks = self._store.private_networks.where(vpc_id=vpc["id"])
        return {**public(vpc), "private_network_count": len(networks)}

    def _default(self, region: str, project: str) -> Record:
        """The VPC for networks that name none, which Scaleway makes for each project and region."""
        vpcs = self._store.vpcs.where(region=region, is_default=True)
        if vpcs:
            return vpcs[0]
        vpc = self._add(region, project, "default", ["default"])
        vpc["is_default"] = True
        return vpc

    def _add(self, region: str, project: str, name: str, tags: list[str]) -> Record:
        return self._store.vpcs.add(
            {
                "id": new_id(),
                "name": name,
                "tags": tags,
                "organization_id": self._context.credentials.organization_id,
                "created_at": now(),
                "updated_at": now(),
                "project_id": project,
                "is_default": False,
                "private_network_count": 0,
                "routing_enabled": True,
                "custom_routes_propagation_enabled": True,
                "transitivity_enabled": False,
                "s3_integration_enabled": False,
                "region": region,
            }
        )

    def _subnets(self, body: RequestBody) -> list[IPv4Network | IPv6Network]:
        """The subnets asked for, completed to one of each kind."""
        wanted: list[IPv4Network | IPv6Network] = []
        for text in body.texts("subnets"):
            try:
                wanted.append(ip_network(text))
            except ValueError as error:
                body.refuse("subnets", str(error), "format")
        taken = self._taken()
        for subnet in wanted:
            if isinstance(subnet, IPv4Network) and any(subnet.overlaps(other) for other in taken):
                body.refuse("subnets", f"{subnet} overlaps with the subnet of another private network")
        if not any(isinstance(subnet, IPv4Network) for subnet in wanted):
            wanted.insert(0, self._free_subnet(taken))
        if not any(isinstance(subnet, IPv6Network) for subnet in wanted):
            prefix = int(UNIQUE_LOCAL.network_address) | secrets.randbits(56) << 64
            wanted.append(IPv6Network((prefix, 64)))
        return wanted

    def _taken(self) -> list[IPv4Network]:
        return [IPv4Network(ipv4_subnet(network)) for network in self._store.private_networks]

    def _free_subnet(self, taken: list[IPv4Network]) -> IPv4Network:
        for subnet in self._context.session.private_range.subnets(new_prefix=SUBNET_PREFIX):
            if not any(subnet.overlaps(other) for other in taken):
                return subnet
        raise invalid("subnets", f"the rehearsal's range {self._context.session.private_range} has no free subnet left")


def ipv4_subnet(network: Record) -> str:
    """The IPv4 subnet of a private network."""
    subnets: list[str] = [subnet["subnet"] for subnet in network["subnets"]]
    return next(subnet for subnet in subnets if ip_network(subnet).version == 4)

"""Public Gateways v2: their IPs, gateways, and how they are connected to private networks.

A gateway here is an address and a record in the store: no packet goes through. It decides whether nodes
without an address of their own become ready, see `leads_out`.
"""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.api_errors import conflict, still_in_use
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.ipam import Ipam
from rehearsal.scaleway.paging import has_tags, listing
from rehearsal.scaleway.records import Record, mac_address, new_id, now, public, region_of
from rehearsal.scaleway.request_body import RequestBody
from rehearsal.scaleway.reverse_dns import check_reverse
from rehearsal.scaleway.store import Store
from rehearsal.session import Block

_IPS = "/vpc-gw/v2/zones/{zone}/ips"
_GATEWAYS = "/vpc-gw/v2/zones/{zone}/gateways"
_NETWORKS = "/vpc-gw/v2/zones/{zone}/gateway-networks"
BANDWIDTHS = {"VPC-GW-S": 100, "VPC-GW-M": 1000, "VPC-GW-L": 10000, "VPC-GW-XL": 10000}
"""Commercial type to Mbit/s."""
VERSION = "0.7.8"
BASTION_PORT = 61000


def leads_out(store: Store, private_network: str) -> bool:
    """Whether a gateway tells the machines of a private network the way to the internet."""
    return bool(store.gateway_networks.where(private_network_id=private_network, push_default_route=True))


class PublicGateways:
    """Flexible IPs, gateways that have one, and the private networks that they serve."""

    def __init__(self, context: Context, ipam: Ipam) -> None:
        self._context = context
        self._store = context.store
        self._ipam = ipam

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_IPS, self._list_ips),
            web.post(_IPS, self._create_ip),
            web.get(_IPS + "/{id}", self._get_ip),
            web.patch(_IPS + "/{id}", self._update_ip),
            web.delete(_IPS + "/{id}", self._delete_ip),
            web.get(_GATEWAYS, self._list),
            web.post(_GATEWAYS, self._create),
            web.get(_GATEWAYS + "/{id}", self._get),
            web.patch(_GATEWAYS + "/{id}", self._update),
            web.delete(_GATEWAYS + "/{id}", self._delete),
            web.get(_NETWORKS, self._list_networks),
            web.post(_NETWORKS, self._connect),
            web.get(_NETWORKS + "/{id}", self._get_network),
            web.patch(_NETWORKS + "/{id}", self._update_network),
            web.delete(_NETWORKS + "/{id}", self._disconnect),
        ]

    async def _list_ips(self, request: web.Request) -> web.Response:
        ips = self._store.gateway_ips.where(zone=request.match_info["zone"])
        return listing(request, "ips", [public(ip) for ip in ips if has_tags(request, ip)])

    async def _create_ip(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project, tags = self._context.project(body, "ip"), body.texts("tags")
        body.check()
        ip = self._new_ip(request.match_info["zone"], project, tags)
        self._store.save()
        return web.json_response(public(ip))

    async def _get_ip(self, request: web.Request) -> web.Response:
        return web.json_response(public(self._find_ip(request)))

    async def _update_ip(self, request: web.Request) -> web.Response:
        ip = self._find_ip(request)
        body = await RequestBody.of(request)
        tags = body.texts("tags") if "tags" in body else ip["tags"]
        reverse = body.text("reverse", "") if "reverse" in body else ip["reverse"]
        body.check()
        if reverse and reverse != ip["reverse"]:
            await check_reverse(self._store, reverse, ip["address"])
        ip.update(tags=tags, reverse=reverse or _own_name(ip["address"]), updated_at=now())
        self._store.save()
        return web.json_response(public(ip))

    async def _delete_ip(self, request: web.Request) -> web.Response:
        ip = self._find_ip(request)
        if "gateway_id" in ip:
            raise still_in_use("the IP is attached to a gateway")
        self._store.gateway_ips.remove(ip["id"])
        self._store.save()
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        gateways = self._store.gateways.where(zone=request.match_info["zone"])
        name = request.query.get("name", "")
        chosen = [self._view(gateway) for gateway in gateways if name in gateway["name"] and has_tags(request, gateway)]
        return listing(request, "gateways", chosen)

    async def _create(self, request: web.Request) -> web.Response:
        zone = request.match_info["zone"]
        body = await RequestBody.of(request)
        project = self._context.project(body, "gateway")
        name, tags = body.text("name", "gw"), body.texts("tags")
        kind = body.choice("type", tuple(BANDWIDTHS), "VPC-GW-S")
        smtp, bastion = body.flag("enable_smtp"), body.flag("enable_bastion")
        port, wanted = body.integer("bastion_port", BASTION_PORT), body.maybe_text("ip_id")
        body.check()
        ip = self._store.gateway_ips.get(wanted, zone=zone) if wanted else self._new_ip(zone, project, [])
        if "gateway_id" in ip:
            raise conflict("the IP is attached to another gateway")
        gateway = self._store.gateways.add(
            {
                "id": new_id(),
                "organization_id": self._context.credentials.organization_id,
                "project_id": project,
                "created_at": now(),
                "updated_at": now(),
                "type": kind,
                "bandwidth": BANDWIDTHS[kind],
                "status": "allocating",
                "name": name,
                "tags": tags,
                "bastion_enabled": bastion,
                "bastion_port": port,
                "bastion_allowed_ips": ["0.0.0.0/0"],
                "smtp_enabled": smtp,
                "is_legacy": False,
                "zone": zone,
                "_ip_id": ip["id"],
            }
        )
        ip["gateway_id"] = gateway["id"]
        answer = self._view(gateway)
        # It carries no traffic, so nothing has to be waited for.
        gateway.update(status="running", version=VERSION)
        self._store.save()
        return web.json_response(answer)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._view(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        gateway = self._find(request)
        body = await RequestBody.of(request)
        changes = {
            "name": body.text("name", gateway["name"]),
            "tags": body.texts("tags") if "tags" in body else gateway["tags"],
            "bastion_enabled": body.flag("enable_bastion", gateway["bastion_enabled"]),
            "bastion_port": body.integer("bastion_port", gateway["bastion_port"]),
            "smtp_enabled": body.flag("enable_smtp", gateway["smtp_enabled"]),
        }
        body.check()
        gateway.update(changes, updated_at=now())
        self._store.save()
        return web.json_response(self._view(gateway))

    async def _delete(self, request: web.Request) -> web.Response:
        gateway = self._find(request)
        if self._networks_of(gateway):
            raise still_in_use("the gateway is attached to a private network")
        answer = {**self._view(gateway), "status": "deleting"}
        ip = self._store.gateway_ips.get(gateway["_ip_id"])
        del ip["gateway_id"]
        if request.query.get("delete_ip") == "true":
            self._store.gateway_ips.remove(ip["id"])
        self._store.gateways.remove(gateway["id"])
        self._store.save()
        return web.json_response(answer)

    async def _list_networks(self, request: web.Request) -> web.Response:
        networks = self._store.gateway_networks.where(zone=request.match_info["zone"])
        gateways, privates = (request.query.getall(name, []) for name in ("gateway_ids", "private_network_ids"))
        chosen = [
            public(network)
            for network in networks
            if (not gateways or network["gateway_id"] in gateways)
            and (not privates or network["private_network_id"] in privates)
        ]
        return listing(request, "gateway_networks", chosen)

    async def _connect(self, request: web.Request) -> web.Response:
        zone = request.match_info["zone"]
        body = await RequestBody.of(request)
        gateway_id, private_id = body.text("gateway_id"), body.text("private_network_id")
        masquerade, default_route = body.flag("enable_masquerade"), body.flag("push_default_route")
        booked = body.maybe_text("ipam_ip_id")
        body.check()
        gateway = self._store.gateways.get(gateway_id, zone=zone)
        private = self._store.private_networks.get(private_id, region=region_of(zone))
        if self._store.gateway_networks.where(private_network_id=private_id):
            raise conflict("a gateway is attached to the private network already")
        identity = new_id()
        mac = mac_address("02:00:00", identity).upper()
        network = self._store.gateway_networks.add(
            {
                "id": identity,
                "created_at": now(),
                "updated_at": now(),
                "gateway_id": gateway_id,
                "private_network_id": private_id,
                "masquerade_enabled": masquerade or default_route,
                "status": "created",
                "push_default_route": default_route,
                "ipam_ip_id": self._address(gateway, private, identity, mac, booked),
                "zone": zone,
            }
        )
        answer = public(network)
        network.update(status="ready", mac_address=mac)
        self._store.save()
        return web.json_response(answer)

    async def _get_network(self, request: web.Request) -> web.Response:
        return web.json_response(public(self._find_network(request)))

    async def _update_network(self, request: web.Request) -> web.Response:
        network = self._find_network(request)
        body = await RequestBody.of(request)
        masquerade = body.flag("enable_masquerade", network["masquerade_enabled"])
        default_route = body.flag("push_default_route", network["push_default_route"])
        booked = body.maybe_text("ipam_ip_id")
        body.check()
        if booked and booked != network["ipam_ip_id"]:
            gateway = self._store.gateways.get(network["gateway_id"])
            private = self._store.private_networks.get(network["private_network_id"])
            self._ipam.detach(network["id"])
            network["ipam_ip_id"] = self._address(gateway, private, network["id"], network["mac_address"], booked)
        network.update(
            masquerade_enabled=masquerade or default_route, push_default_route=default_route, updated_at=now()
        )
        self._store.save()
        return web.json_response({**public(network), "status": "configuring"})

    async def _disconnect(self, request: web.Request) -> web.Response:
        network = self._find_network(request)
        self._ipam.detach(network["id"])
        self._store.gateway_networks.remove(network["id"])
        self._store.save()
        return web.json_response({**public(network), "status": "detaching"})

    def _address(self, gateway: Record, private: Record, identity: str, mac: str, booked: str | None) -> str:
        """The id of the gateway's IPv4 address in a private network: one that was reserved before, or a new one."""
        resource = {
            "type": "vpc_gateway_network",
            "id": identity,
            "mac_address": None if booked else mac,
            "name": gateway["name"],
        }
        # It is told of by its IPv4 address alone, and has no other.
        [given] = self._ipam.attach(private, resource, [self._ipam.booked(booked)] if booked else None, versions=(4,))
        return given

    def _new_ip(self, zone: str, project: str, tags: list[str]) -> Record:
        address = self._context.free_address(Block.GATEWAYS, self._store.gateway_ips, "address")
        return self._store.gateway_ips.add(
            {
                "id": new_id(),
                "organization_id": self._context.credentials.organization_id,
                "project_id": project,
                "created_at": now(),
                "updated_at": now(),
                "tags": tags,
                "address": address,
                "reverse": _own_name(address),
                "zone": zone,
            }
        )

    def _networks_of(self, gateway: Record) -> list[Record]:
        return self._store.gateway_networks.where(gateway_id=gateway["id"])

    def _view(self, gateway: Record) -> Record:
        return {
            **public(gateway),
            "ipv4": public(self._store.gateway_ips.get(gateway["_ip_id"])),
            "gateway_networks": [public(network) for network in self._networks_of(gateway)],
        }

    def _find_ip(self, request: web.Request) -> Record:
        return self._store.gateway_ips.get(request.match_info["id"], zone=request.match_info["zone"])

    def _find(self, request: web.Request) -> Record:
        return self._store.gateways.get(request.match_info["id"], zone=request.match_info["zone"])

    def _find_network(self, request: web.Request) -> Record:
        return self._store.gateway_networks.get(request.match_info["id"], zone=request.match_info["zone"])


def _own_name(address: str) -> str:
    """The name that an address has as long as nobody gives it another."""
    return f"{'-'.join(reversed(address.split('.')))}.instances.scw.cloud"

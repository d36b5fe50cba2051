"""Instance v1: flexible IPs. Each has a loopback address of its own that stands for a public one."""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.api_errors import not_in_stand_in
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.instance_machines import MachineController
from rehearsal.scaleway.paging import instance_listing
from rehearsal.scaleway.records import Record, new_id, public
from rehearsal.scaleway.request_body import RequestBody
from rehearsal.scaleway.reverse_dns import check_reverse
from rehearsal.session import Block

_IPS = "/instance/v1/zones/{zone}/ips"
ROUTED_IPV4 = "routed_ipv4"


class InstanceIps:
    """Flexible IPs; attaching one publishes its server's ports there."""

    def __init__(self, context: Context, controller: MachineController) -> None:
        self._context = context
        self._store = context.store
        self._controller = controller

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_IPS, self._list),
            web.post(_IPS, self._create),
            web.get(_IPS + "/{id}", self._get),
            web.patch(_IPS + "/{id}", self._update),
            web.delete(_IPS + "/{id}", self._delete),
        ]

    def attach(self, ip: Record, server: Record) -> None:
        """Give an IP to a server, and take it from the one that had it."""
        self.detach(ip)
        ip.update(state="attached", _server_id=server["id"])
        server["_ip_ids"].append(ip["id"])

    def detach(self, ip: Record) -> None:
        server = self._store.servers.find(ip["_server_id"])
        ip.update(state="detached", _server_id=None)
        if server:
            server["_ip_ids"].remove(ip["id"])
            self._controller.rewire(server)

    def views_of(self, server: Record) -> list[Record]:
        """The IPs of a server, as the server shows them."""
        return [
            {
                "id": ip["id"],
                "address": ip["address"],
                "dynamic": False,
                "gateway": "62.210.0.1",
                "netmask": "32",
                "family": "inet",
                # DHCP tells a machine its first address only.
                "provisioning_mode": "dhcp" if place == 0 else "manual",
                "tags": ip["tags"],
                "state": ip["state"],
                "ipam_id": ip["ipam_id"],
            }
            for place, ip in enumerate(map(self._store.ips.get, server["_ip_ids"]))
        ]

    async def _list(self, request: web.Request) -> web.Response:
        ips = self._store.ips.where(zone=request.match_info["zone"])
        return instance_listing(request, "ips", list(map(self._view, ips)))

    async def _create(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project = self._context.project(body, "ip", "project")
        kind = body.choice("type", (ROUTED_IPV4, "routed_ipv6"), ROUTED_IPV4)
        tags, wanted = body.texts("tags"), body.maybe_text("server")
        body.check()
        if kind != ROUTED_IPV4:
            raise not_in_stand_in("public IPv6 addresses: use routed_ipv4")
        zone, identity = request.match_info["zone"], new_id()
        server = self._store.servers.get(wanted, zone=zone) if wanted else None
        ip = self._store.ips.add(
            {
                "id": identity,
                "address": self._context.free_address(Block.INSTANCES, self._store.ips, "address"),
                "prefix": None,
                "reverse": None,
                "server": None,
                "organization": self._context.credentials.organization_id,
                "project": project,
                "zone": zone,
                "type": kind,
                "state": "detached",
                "tags": tags,
                "ipam_id": identity,
                "_server_id": None,
            }
        )
        if server:
            self.attach(ip, server)
            self._controller.rewire(server)
        self._store.save()
        return web.json_response({"ip": self._view(ip)}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response({"ip": self._view(self._find(request))})

    async def _update(self, request: web.Request) -> web.Response:
        ip = self._find(request)
        body = await RequestBody.of(request)
        tags = body.texts("tags") if "tags" in body else ip["tags"]
        reverse, wanted = body.maybe_text("reverse"), body.maybe_text("server")
        body.check()
        server = self._store.servers.get(wanted, zone=ip["zone"]) if wanted else None
        if reverse:
            await check_reverse(self._store, reverse, ip["address"])
        ip.update(tags=tags, reverse=reverse if body.sent("reverse") else ip["reverse"])
        if server:
            self.attach(ip, server)
            self._controller.rewire(server)
        elif body.sent("server"):
            self.detach(ip)
        self._store.save()
        return web.json_response({"ip": self._view(ip)})

    async def _delete(self, request: web.Request) -> web.Response:
        ip = self._find(request)
        self.detach(ip)
        self._store.ips.remove(ip["id"])
        self._store.save()
        return web.Response(status=204)

    def _find(self, request: web.Request) -> Record:
        """The IP of a request, which names it by its id or its address."""
        zone, name = request.match_info["zone"], request.match_info["id"]
        by_address = self._store.ips.where(address=name, zone=zone)
        return by_address[0] if by_address else self._store.ips.get(name, zone=zone)

    def _view(self, ip: Record) -> Record:
        server = self._store.servers.find(ip["_server_id"])
        return {**public(ip), "server": server and {"id": server["id"], "name": server["name"]}}

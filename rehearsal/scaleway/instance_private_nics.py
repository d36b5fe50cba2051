"""A server's interfaces in private networks: `private-network-interfaces` (Instance v2alpha1), which the
provider writes to since 2.80, and `private_nics` (v1), which it still reads."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from rehearsal.scaleway.api_errors import bad_request, transient_state
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.instance_machines import MachineController
from rehearsal.scaleway.ipam import Ipam
from rehearsal.scaleway.paging import instance_listing, page, total
from rehearsal.scaleway.records import Record, mac_address, new_id, now, public, region_of
from rehearsal.scaleway.request_body import RequestBody

_INTERFACES = "/instance/v2alpha1/zones/{zone}/private-network-interfaces"
_NICS = "/instance/v1/zones/{zone}/servers/{server}/private_nics"
MOST = 8
"""Private networks that one server can be in (products/servers, capabilities.private_network)."""


class PrivateNics:
    """Attaching and detaching is done when the machine has followed: attaching, available, detaching, gone."""

    def __init__(self, context: Context, controller: MachineController, ipam: Ipam) -> None:
        self._context = context
        self._store = context.store
        self._controller = controller
        self._ipam = ipam

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_INTERFACES, self._list),
            web.post(_INTERFACES, self._create),
            web.get(_INTERFACES + "/{id}", self._get),
            web.patch(_INTERFACES + "/{id}", self._update),
            web.delete(_INTERFACES + "/{id}", self._delete),
            web.get(_NICS, self._list_v1),
            web.get(_NICS + "/{id}", self._get_v1),
        ]

    def remove(self, nic: Record) -> None:
        """Remove an interface and its addresses from the store."""
        self._ipam.detach(nic["id"])
        self._store.nics.remove(nic["id"])

    def views_of(self, server: Record) -> list[Record]:
        """The interfaces of a server, as v1 shows them."""
        return [_view_v1(nic) for nic in self._store.nics.where(server_id=server["id"])]

    async def resume(self) -> None:
        """Finish what was being attached or detached when the API ended."""
        for nic in self._store.nics:
            if nic["status"] == "detaching":
                self.remove(nic)
            else:
                nic["status"] = "available"

    async def _list(self, request: web.Request) -> web.Response:
        servers = _several(request, "server_ids")
        networks = _several(request, "private_network_ids")
        nics = [
            public(nic)
            for nic in reversed(self._store.nics.where(_zone=request.match_info["zone"]))
            if (not servers or nic["server_id"] in servers) and (not networks or nic["private_network_id"] in networks)
        ]
        return web.json_response(
            {"private_network_interfaces": page(request, nics), "total_count": len(nics)}, headers=total(nics)
        )

    async def _create(self, request: web.Request) -> web.Response:
        zone = request.match_info["zone"]
        body = await RequestBody.of(request)
        project = self._context.project(body, "private_network_interface")
        server_id, network_id = body.text("server_id"), body.text("private_network_id")
        tags, booked_ids = body.texts("tags"), body.texts("ip_ids")
        body.check()
        server = self._store.servers.get(server_id, zone=zone)
        network = self._store.private_networks.get(network_id, region=region_of(zone))
        present = self._store.nics.where(server_id=server_id)
        if any(nic["private_network_id"] == network_id for nic in present):
            raise bad_request("The server is attached to this private network already.")
        if len(present) >= MOST:
            raise bad_request(f"A server can be attached to {MOST} private networks at most.")
        booked = [self._ipam.booked(identity) for identity in booked_ids]
        identity = new_id()
        mac = mac_address("02:00:00", identity)
        resource = {"type": "instance_private_nic", "id": identity, "mac_address": mac, "name": server["name"]}
        nic = self._store.nics.add(
            {
                "id": identity,
                "private_network_id": network_id,
                "project_id": project,
                "server_id": server_id,
                "security_group_id": "",
                "mac_address": mac,
                "status": "attaching",
                "ip_ids": self._ipam.attach(network, resource, booked),
                "tags": tags,
                "created_at": now(),
                "updated_at": now(),
                "_zone": zone,
            }
        )
        answer = public(nic)
        self._store.save()
        self._controller.rewire(server, lambda: self._attached(nic))
        return web.json_response(answer)

    async def _get(self, request: web.Request) -> web.Response:
        nic = self._find(request)
        await self._context.jobs.settled(nic["server_id"], self._context.long_poll_seconds)
        return web.json_response(public(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        nic = self._find(request)
        body = await RequestBody.of(request)
        tags = body.texts("tags") if "tags" in body else nic["tags"]
        body.check()
        nic.update(tags=tags, updated_at=now())
        self._store.save()
        return web.json_response(public(nic))

    async def _delete(self, request: web.Request) -> web.Response:
        nic = self._find(request)
        if nic["status"] == "detaching":
            raise transient_state("instance_private_nic", nic["id"], nic["status"])
        server = self._store.servers.get(nic["server_id"])
        nic.update(status="detaching", updated_at=now())
        self._store.save()
        self._controller.rewire(server, lambda: self._detached(nic))
        return web.Response(status=204)

    async def _list_v1(self, request: web.Request) -> web.Response:
        server = self._store.servers.get(request.match_info["server"], zone=request.match_info["zone"])
        return instance_listing(request, "private_nics", self.views_of(server))

    async def _get_v1(self, request: web.Request) -> web.Response:
        nic = self._store.nics.get(request.match_info["id"], server_id=request.match_info["server"])
        return web.json_response({"private_nic": _view_v1(nic)})

    def _find(self, request: web.Request) -> Record:
        return self._store.nics.get(request.match_info["id"], _zone=request.match_info["zone"])

    def _attached(self, nic: Record) -> None:
        nic.update(status="available", updated_at=now())
        self._store.save()

    def _detached(self, nic: Record) -> None:
        self.remove(nic)
        self._store.save()


def _view_v1(nic: Record) -> Record:
    return {
        "id": nic["id"],
        "private_network_id": nic["private_network_id"],
        "server_id": nic["server_id"],
        "mac_address": nic["mac_address"],
        "state": "available" if nic["status"] == "available" else "syncing",
        "creation_date": nic["created_at"],
        "modification_date": nic["updated_at"],
        "zone": nic["_zone"],
        "tags": nic["tags"],
        "ipam_ip_ids": nic["ip_ids"],
    }


def _several(request: web.Request, name: str) -> Sequence[str]:
    """The values of a query parameter that may be repeated or hold several."""
    return [part for value in request.query.getall(name, []) for part in value.split(",") if part]

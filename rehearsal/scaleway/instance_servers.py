"""Instance v1: servers."""

from __future__ import annotations

import re

from aiohttp import web

from rehearsal.scaleway.api_errors import bad_request, not_found, not_in_stand_in
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.instance_ips import InstanceIps
from rehearsal.scaleway.instance_machines import (
    LOCKED,
    STARTING,
    STOPPED,
    STOPPING,
    MachineController,
)
from rehearsal.scaleway.instance_private_nics import PrivateNics
from rehearsal.scaleway.instance_security_groups import SecurityGroups
from rehearsal.scaleway.instance_server_actions import ALLOWED_ACTIONS, refuse_protected
from rehearsal.scaleway.instance_volumes import BLOCK, LOCAL, Volumes
from rehearsal.scaleway.marketplace_images import IMAGE_SIZE, Marketplace
from rehearsal.scaleway.offers import GB, SERVER_TYPES
from rehearsal.scaleway.paging import instance_listing
from rehearsal.scaleway.records import Record, instance_now, mac_address, new_id, public
from rehearsal.scaleway.request_body import RequestBody

_SERVERS = "/instance/v1/zones/{zone}/servers"
NOT_HERE = {
    "placement_group": "placement groups",
    "admin_password_encryption_ssh_key_id": "Windows",
    "filesystems": "file systems",
}
"""Fields of a new server that Scaleway has and the stand-in does not."""


class Servers:
    """Servers and their states; the machines behind them do the work (see instance_machines)."""

    def __init__(
        self,
        context: Context,
        *,
        controller: MachineController,
        marketplace: Marketplace,
        groups: SecurityGroups,
        ips: InstanceIps,
        nics: PrivateNics,
        volumes: Volumes,
    ) -> None:
        self._context = context
        self._store = context.store
        self._controller = controller
        self._marketplace = marketplace
        self._groups = groups
        self._ips = ips
        self._nics = nics
        self._volumes = volumes
        controller.when_gone(self._forget)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_SERVERS, self._list),
            web.post(_SERVERS, self._create),
            web.get(_SERVERS + "/{id}", self._get),
            web.patch(_SERVERS + "/{id}", self._update),
            web.delete(_SERVERS + "/{id}", self._delete),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        servers = self._store.servers.where(zone=request.match_info["zone"])
        named = [server for server in servers if request.query.get("name", server["name"]) == server["name"]]
        return instance_listing(request, "servers", list(map(self._view, named)))

    async def _create(self, request: web.Request) -> web.Response:
        zone = request.match_info["zone"]
        body = await RequestBody.of(request)
        project = self._context.project(body, "server", "project")
        volumes = body.object("volumes")
        for wanted, what in NOT_HERE.items():
            if wanted in body:
                raise not_in_stand_in(what)
        if set(volumes) - {"0"} or any("id" in RequestBody(volume) for volume in volumes.values()):
            raise not_in_stand_in("additional volumes, nor servers from an existing volume")
        name, kind = body.text("name"), body.text("commercial_type")
        image_id, boot_type = body.text("image"), body.choice("boot_type", ("local", "rescue"), "local")
        tags, ip_ids = body.texts("tags"), body.texts("public_ips")
        protected, group_id = body.flag("protected"), body.maybe_text("security_group")
        if kind and kind not in SERVER_TYPES:
            body.refuse("commercial_type", f"there is no commercial type {kind} in {zone}")
        dynamic = body.flag("dynamic_ip_required")
        root = RequestBody(RequestBody(volumes).object("0"))
        boot, size = root.flag("boot"), root.integer("size", IMAGE_SIZE)
        body.check()
        if dynamic:
            raise not_in_stand_in("dynamic IPs: attach a flexible IP")
        image = self._marketplace.image(image_id)
        if image is None:
            raise not_found("instance_image", image_id)
        volume_type = root.choice("volume_type", (LOCAL, BLOCK), LOCAL if image["type"] == "instance_local" else BLOCK)
        if size < IMAGE_SIZE:
            root.refuse("volumes", f"the root volume must be at least {IMAGE_SIZE} bytes, the size of the image")
        if volume_type == LOCAL and size > SERVER_TYPES[kind].local_storage * GB:
            root.refuse("volumes", f"{kind} has at most {SERVER_TYPES[kind].local_storage} GB of local storage")
        root.check()
        ips = [self._store.ips.get(ip, zone=zone) for ip in ip_ids]
        group = self._store.security_groups.get(group_id, zone=zone) if group_id else self._groups.default(zone)
        identity, time = new_id(), instance_now()
        server: Record = {
            "id": identity,
            "name": name,
            "arch": "x86_64",
            "commercial_type": kind,
            "boot_type": boot_type,
            "organization": self._context.credentials.organization_id,
            "project": project,
            "hostname": _hostname(name),
            "image": self._marketplace.view(image, volume_type, zone),
            "tags": tags,
            "state": STOPPED,
            "protected": protected,
            "state_detail": "",
            "mac_address": mac_address("de:00:00", identity),
            "routed_ip_enabled": True,
            "ipv6": None,
            "extra_networks": [],
            "dynamic_ip_required": False,
            "enable_ipv6": False,
            "private_ip": None,
            "creation_date": time,
            "modification_date": time,
            "bootscript": None,
            "maintenances": [],
            "placement_group": None,
            "zone": zone,
            "filesystems": [],
            "end_of_service": False,
            "dns": f"{identity}.pub.instances.scw.cloud",
            "admin_password_encryption_ssh_key_id": None,
            "_boot": boot,
            "_ip_ids": [],
            "_security_group_id": group["id"],
            "_user_data": {},
            "_volumes": {},
        }
        self._store.servers.add(server)
        server["_volumes"] = {"0": self._volumes.create(server, volume_type, size)["id"]}
        for ip in ips:
            self._ips.attach(ip, server)
        self._store.save()
        return web.json_response({"server": self._view(server)}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        server = self._find(request)
        if server["state"] in (STARTING, STOPPING):
            await self._context.jobs.settled(server["id"], self._context.long_poll_seconds)
        return web.json_response({"server": self._view(self._find(request))})

    async def _update(self, request: web.Request) -> web.Response:
        server = self._find(request)
        body = await RequestBody.of(request)
        changes: Record = {
            "name": body.text("name", server["name"]),
            "tags": body.texts("tags") if "tags" in body else server["tags"],
            "protected": body.flag("protected", server["protected"]),
            "boot_type": body.choice("boot_type", ("local", "rescue"), server["boot_type"]),
            "commercial_type": body.choice("commercial_type", SERVER_TYPES, server["commercial_type"]),
        }
        group_id = RequestBody(body.object("security_group")).text("id", server["_security_group_id"])
        wanted_ips = body.texts("public_ips") if "public_ips" in body else list(server["_ip_ids"])
        volumes = body.object("volumes")
        if body.flag("dynamic_ip_required"):
            raise not_in_stand_in("dynamic IPs: attach a flexible IP")
        body.check()
        if changes["commercial_type"] != server["commercial_type"] and server["state"] != STOPPED:
            raise bad_request("The server must be stopped to change its commercial type.")
        boot = self._check_volumes(server, volumes)
        group = self._store.security_groups.get(group_id, zone=server["zone"])
        ips = [self._store.ips.get(ip, zone=server["zone"]) for ip in wanted_ips]
        server.update(
            changes,
            hostname=_hostname(changes["name"]),
            _security_group_id=group["id"],
            _boot=boot,
            modification_date=instance_now(),
        )
        if wanted_ips != server["_ip_ids"]:
            for attached in list(server["_ip_ids"]):
                self._ips.detach(self._store.ips.get(attached))
            for ip in ips:
                self._ips.attach(ip, server)
        self._controller.rewire(server)
        self._store.save()
        return web.json_response({"server": self._view(server)})

    async def _delete(self, request: web.Request) -> web.Response:
        server = self._find(request)
        refuse_protected(server)
        if server["state"] not in (STOPPED, LOCKED):
            raise bad_request("Instance should be powered off.")
        self._controller.terminate(server)
        return web.Response(status=204)

    def _forget(self, server: Record) -> None:
        """Remove a terminated server from the store; its flexible IPs and block volumes stay."""
        for identity in list(server["_ip_ids"]):
            self._ips.detach(self._store.ips.get(identity))
        for nic in self._store.nics.where(server_id=server["id"]):
            self._nics.remove(nic)
        self._volumes.let_go(server)
        self._store.servers.remove(server["id"])
        self._store.save()

    def _find(self, request: web.Request) -> Record:
        return self._store.servers.get(request.match_info["id"], zone=request.match_info["zone"])

    def _check_volumes(self, server: Record, volumes: Record) -> bool:
        """Whether the root volume is to boot; an update may name the volumes that the server has, and no other."""
        boot: bool = server["_boot"]
        for place, sent in volumes.items():
            volume = RequestBody(sent)
            if volume.text("id", "") != server["_volumes"].get(place):
                raise not_in_stand_in("additional volumes")
            boot = volume.flag("boot", boot)
            volume.check()
        return boot

    def _view(self, server: Record) -> Record:
        ips = self._ips.views_of(server)
        group = self._store.security_groups.get(server["_security_group_id"])
        return {
            **public(server),
            "volumes": {
                place: self._volumes.view(identity, server["_boot"]) for place, identity in server["_volumes"].items()
            },
            "public_ip": ips[0] if ips else None,
            "public_ips": ips,
            "security_group": {"id": group["id"], "name": group["name"]},
            "location": _location(server),
            "allowed_actions": ALLOWED_ACTIONS[server["state"]],
            "private_nics": self._nics.views_of(server),
        }


def _hostname(name: str) -> str:
    return re.sub(r"[^a-z0-9-]", "-", name.lower())


def _location(server: Record) -> Record | None:
    """Where a machine runs; a server that is off runs nowhere."""
    if server["state"] == STOPPED:
        return None
    return {
        "zone_id": server["zone"],
        "platform_id": "1",
        "cluster_id": "1",
        "hypervisor_id": "1",
        "node_id": "1",
    }

"""Instance v1: servers, their actions and user data, and the types they can have."""

from __future__ import annotations

import re

from aiohttp import web

from rehearsal.scaleway.catalogue import GB, SERVER_TYPES
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.errors import ApiError, bad_request, invalid, not_found, not_in_stand_in, still_in_use
from rehearsal.scaleway.fields import Fields
from rehearsal.scaleway.fleet import LOCKED, RUNNING, STARTING, STOPPED, STOPPED_IN_PLACE, STOPPING, Fleet
from rehearsal.scaleway.instance_ips import InstanceIps
from rehearsal.scaleway.marketplace import Marketplace
from rehearsal.scaleway.nics import Nics
from rehearsal.scaleway.paging import instance_listing, page, total
from rehearsal.scaleway.records import Record, fixed_id, instance_now, mac_address, new_id, public
from rehearsal.scaleway.security_groups import SecurityGroups
from rehearsal.scaleway.volumes import BLOCK, LOCAL, Volumes

_SERVERS = "/instance/v1/zones/{zone}/servers"
IMAGE_SIZE = 10 * GB
SCALEWAY = fixed_id("organization", "scaleway")
"""Owner of the marketplace's images."""
ALLOWED_ACTIONS = {
    STOPPED: ["poweron", "backup"],
    STOPPED_IN_PLACE: ["poweron", "poweroff", "terminate", "reboot", "backup"],
    STARTING: ["poweroff", "terminate", "reboot", "stop_in_place", "backup"],
    RUNNING: ["poweroff", "terminate", "reboot", "stop_in_place", "backup"],
    STOPPING: ["stop_in_place", "backup"],
    LOCKED: ["terminate"],
}
NOT_HERE = {
    "placement_group": "placement groups",
    "admin_password_encryption_ssh_key_id": "Windows",
    "filesystems": "file systems",
}
"""What a new server may ask for on Scaleway only."""
LARGEST_USER_DATA = 127_998
"""Bytes of one value."""


class Servers:
    """Servers: what their machines run is theirs; their states are these books'."""

    def __init__(
        self,
        context: Context,
        *,
        fleet: Fleet,
        marketplace: Marketplace,
        groups: SecurityGroups,
        ips: InstanceIps,
        nics: Nics,
        volumes: Volumes,
    ) -> None:
        self._context = context
        self._store = context.store
        self._fleet = fleet
        self._marketplace = marketplace
        self._groups = groups
        self._ips = ips
        self._nics = nics
        self._volumes = volumes
        fleet.when_gone(self._forget)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/instance/v1/zones/{zone}/products/servers", self._types),
            web.get(_SERVERS, self._list),
            web.post(_SERVERS, self._create),
            web.get(_SERVERS + "/{id}", self._get),
            web.patch(_SERVERS + "/{id}", self._update),
            web.delete(_SERVERS + "/{id}", self._delete),
            web.get(_SERVERS + "/{id}/action", self._actions),
            web.post(_SERVERS + "/{id}/action", self._act),
            web.get(_SERVERS + "/{id}/user_data", self._list_user_data),
            web.get(_SERVERS + "/{id}/user_data/{key}", self._get_user_data),
            web.patch(_SERVERS + "/{id}/user_data/{key}", self._set_user_data),
            web.delete(_SERVERS + "/{id}/user_data/{key}", self._delete_user_data),
        ]

    async def _types(self, request: web.Request) -> web.Response:
        names = page(request, sorted(SERVER_TYPES))
        views = {name: SERVER_TYPES[name].view() for name in names}
        return web.json_response({"servers": views}, headers=total(SERVER_TYPES))

    async def _list(self, request: web.Request) -> web.Response:
        servers = self._store.servers.where(zone=request.match_info["zone"])
        named = [server for server in servers if request.query.get("name", server["name"]) == server["name"]]
        return instance_listing(request, "servers", list(map(self._view, named)))

    async def _create(self, request: web.Request) -> web.Response:
        zone = request.match_info["zone"]
        fields = await Fields.of(request)
        project = self._context.project(fields, "server", "project")
        volumes = fields.object("volumes")
        for wanted, what in NOT_HERE.items():
            if wanted in fields:
                raise not_in_stand_in(what)
        if set(volumes) - {"0"} or any("id" in Fields(volume) for volume in volumes.values()):
            raise not_in_stand_in("additional volumes, nor servers from an existing volume")
        name, kind = fields.text("name"), fields.text("commercial_type")
        image_id, boot_type = fields.text("image"), fields.choice("boot_type", ("local", "rescue"), "local")
        tags, ip_ids = fields.texts("tags"), fields.texts("public_ips")
        protected, group_id = fields.flag("protected"), fields.maybe_text("security_group")
        if kind and kind not in SERVER_TYPES:
            fields.refuse("commercial_type", f"there is no commercial type {kind} in {zone}")
        dynamic = fields.flag("dynamic_ip_required")
        root = Fields(Fields(volumes).object("0"))
        boot, size = root.flag("boot"), root.integer("size", IMAGE_SIZE)
        fields.check()
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
            "image": self._image(image, volume_type, zone),
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
            await self._context.work.settled(server["id"], self._context.patience)
        return web.json_response({"server": self._view(self._find(request))})

    async def _update(self, request: web.Request) -> web.Response:
        server = self._find(request)
        fields = await Fields.of(request)
        changes: Record = {
            "name": fields.text("name", server["name"]),
            "tags": fields.texts("tags") if "tags" in fields else server["tags"],
            "protected": fields.flag("protected", server["protected"]),
            "boot_type": fields.choice("boot_type", ("local", "rescue"), server["boot_type"]),
            "commercial_type": fields.choice("commercial_type", SERVER_TYPES, server["commercial_type"]),
        }
        group_id = Fields(fields.object("security_group")).text("id", server["_security_group_id"])
        wanted_ips = fields.texts("public_ips") if "public_ips" in fields else list(server["_ip_ids"])
        volumes = fields.object("volumes")
        if fields.flag("dynamic_ip_required"):
            raise not_in_stand_in("dynamic IPs: attach a flexible IP")
        fields.check()
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
        self._fleet.rewire(server)
        self._store.save()
        return web.json_response({"server": self._view(server)})

    async def _delete(self, request: web.Request) -> web.Response:
        server = self._find(request)
        _refuse_protected(server)
        if server["state"] not in (STOPPED, LOCKED):
            raise bad_request("Instance should be powered off.")
        self._fleet.terminate(server)
        return web.Response(status=204)

    async def _actions(self, request: web.Request) -> web.Response:
        return web.json_response({"actions": ALLOWED_ACTIONS[self._find(request)["state"]]})

    async def _act(self, request: web.Request) -> web.Response:
        server = self._find(request)
        fields = await Fields.of(request)
        action = fields.text("action")
        fields.check()
        if action == "backup":
            raise not_in_stand_in("backups of servers")
        if action not in ALLOWED_ACTIONS[server["state"]]:
            raise bad_request(f"The action {action} is not possible while the server is {server['state']}.")
        match action:
            case "poweron":
                self._fleet.start(server)
            case "poweroff":
                self._fleet.stop(server, STOPPED, "stopping")
            case "stop_in_place":
                self._fleet.stop(server, STOPPED_IN_PLACE, "stopping in place")
            case "reboot":
                self._fleet.reboot(server)
            case "terminate":
                _refuse_protected(server)
                self._fleet.terminate(server)
            case _:
                raise invalid("action", f"there is no action {action}")
        return web.json_response(
            {
                "task": {
                    # Scaleway's own words: tasks are gone, their answers have stayed.
                    "id": "00000000-0000-0000-0000-000000000000",
                    "description": "fake task",
                    "status": "pending",
                    "href_from": f"/servers/{server['id']}/action",
                    "href_result": f"/servers/{server['id']}",
                    "started_at": instance_now(),
                    "terminated_at": None,
                    "progress": 0,
                    "zone": server["zone"],
                }
            },
            status=202,
        )

    async def _list_user_data(self, request: web.Request) -> web.Response:
        return web.json_response({"user_data": sorted(self._find(request)["_user_data"])})

    async def _get_user_data(self, request: web.Request) -> web.Response:
        return web.Response(text=self._user_data(request), content_type="text/plain")

    async def _set_user_data(self, request: web.Request) -> web.Response:
        server = self._find(request)
        text = await request.text()
        if len(text.encode()) > LARGEST_USER_DATA:
            raise invalid("user_data", f"a value has at most {LARGEST_USER_DATA} bytes")
        server["_user_data"][request.match_info["key"]] = text
        self._store.save()
        return web.Response(status=204)

    async def _delete_user_data(self, request: web.Request) -> web.Response:
        self._user_data(request)
        del self._find(request)["_user_data"][request.match_info["key"]]
        self._store.save()
        return web.Response(status=204)

    def _forget(self, server: Record) -> None:
        """Take a terminated server out of the books; its flexible IPs and block volumes stay."""
        for identity in list(server["_ip_ids"]):
            self._ips.detach(self._store.ips.get(identity))
        for nic in self._store.nics.where(server_id=server["id"]):
            self._nics.remove(nic)
        self._volumes.let_go(server)
        self._store.servers.remove(server["id"])
        self._store.save()

    def _find(self, request: web.Request) -> Record:
        return self._store.servers.get(request.match_info["id"], zone=request.match_info["zone"])

    def _user_data(self, request: web.Request) -> str:
        values: dict[str, str] = self._find(request)["_user_data"]
        key = request.match_info["key"]
        if key not in values:
            raise _no_user_data(key)
        return values[key]

    def _check_volumes(self, server: Record, volumes: Record) -> bool:
        """Whether the root volume is to boot; an update may name the volumes that the server has, and no other."""
        boot: bool = server["_boot"]
        for place, sent in volumes.items():
            volume = Fields(sent)
            if volume.text("id", "") != server["_volumes"].get(place):
                raise not_in_stand_in("additional volumes")
            boot = volume.flag("boot", boot)
            volume.check()
        return boot

    def _image(self, image: Record, volume_type: str, zone: str) -> Record:
        """The image of a server, as the server shows it."""
        name = self._context.catalogue.images[image["label"]]
        released = "2026-05-12T15:00:00.000000+00:00"
        snapshot = fixed_id("snapshot", image["id"])
        block = {"volume_type": "sbs_snapshot", "id": snapshot, "size": 0, "name": ""}
        local = {"volume_type": LOCAL, "id": snapshot, "size": IMAGE_SIZE, "name": name}
        return {
            "id": image["id"],
            "name": name,
            "organization": SCALEWAY,
            "project": SCALEWAY,
            "root_volume": local if volume_type == LOCAL else block,
            "extra_volumes": {},
            "public": True,
            "arch": image["arch"],
            "creation_date": released,
            "modification_date": released,
            "default_bootscript": None,
            "from_server": "",
            "state": "available",
            "tags": [],
            "zone": zone,
        }

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


def _refuse_protected(server: Record) -> None:
    if server["protected"]:
        raise still_in_use("the server is protected: remove the protection first")


def _hostname(name: str) -> str:
    return re.sub(r"[^a-z0-9-]", "-", name.lower())


def _no_user_data(key: str) -> ApiError:
    return not_found("instance_user_data", key)


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

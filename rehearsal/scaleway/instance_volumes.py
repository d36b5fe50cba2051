"""Volumes of servers: local ones (Instance v1) and those of the Block Storage API (v1).

They are records in the store; a machine's disk lives and dies with the machine.
"""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.api_errors import bad_request, conflict, not_in_stand_in, still_in_use
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import has_tags, instance_listing, listing
from rehearsal.scaleway.records import Record, instance_now, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

_LOCAL = "/instance/v1/zones/{zone}/volumes"
_BLOCK = "/block/v1/zones/{zone}/volumes"
LOCAL = "l_ssd"
BLOCK = "sbs_volume"
IOPS = (5000, 15000)
SMALLEST = 5_000_000_000
"""Bytes of a block volume."""


class Volumes:
    """Root volumes of servers; a block volume outlives its server, a local one goes with it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_LOCAL, self._list_local),
            web.get(_LOCAL + "/{id}", self._get_local),
            web.patch(_LOCAL + "/{id}", self._update_local),
            web.delete(_LOCAL + "/{id}", self._delete_local),
            web.get(_BLOCK, self._list_block),
            web.post(_BLOCK, self._create_block),
            web.get(_BLOCK + "/{id}", self._get_block),
            web.patch(_BLOCK + "/{id}", self._update_block),
            web.delete(_BLOCK + "/{id}", self._delete_block),
        ]

    def create(self, server: Record, kind: str, size: int) -> Record:
        """The root volume of a new server. size: bytes."""
        if kind == LOCAL:
            return self._store.local_volumes.add(self._local(server, size))
        name = f"{server['image']['name']}_sbs_volume_0"
        volume = _block(name, server["project"], server["zone"], size, IOPS[0])
        reference = {
            "id": new_id(),
            "product_resource_type": "instance_server",
            "product_resource_id": server["id"],
            "created_at": now(),
            "type": "exclusive",
            "status": "attached",
        }
        volume.update(references=[reference], parent_snapshot_id=server["image"]["root_volume"]["id"], status="in_use")
        return self._store.block_volumes.add(volume)

    def view(self, identity: str, boot: bool) -> Record:
        """A volume as its server shows it."""
        local = self._store.local_volumes.find(identity)
        if local:
            return {"boot": boot, **self._local_view(local)}
        volume = self._store.block_volumes.get(identity)
        return {
            "boot": boot,
            "volume_type": BLOCK,
            "id": identity,
            "state": "available",
            "zone": volume["zone"],
        }

    def let_go(self, server: Record) -> None:
        """What happens to the volumes of a server that goes."""
        for identity in server["_volumes"].values():
            self._store.local_volumes.remove(identity)
            volume = self._store.block_volumes.find(identity)
            if volume:
                volume.update(references=[], status="available", last_detached_at=now(), updated_at=now())

    async def _list_local(self, request: web.Request) -> web.Response:
        volumes = self._store.local_volumes.where(zone=request.match_info["zone"])
        return instance_listing(request, "volumes", list(map(self._local_view, volumes)))

    async def _get_local(self, request: web.Request) -> web.Response:
        return web.json_response({"volume": self._local_view(self._find_local(request))})

    async def _update_local(self, request: web.Request) -> web.Response:
        volume = self._find_local(request)
        body = await RequestBody.of(request)
        if "size" in body:
            raise bad_request("A local volume cannot be resized.")
        changes = {
            "name": body.text("name", volume["name"]),
            "tags": body.texts("tags") if "tags" in body else volume["tags"],
        }
        body.check()
        volume.update(changes, modification_date=instance_now())
        self._store.save()
        return web.json_response({"volume": self._local_view(volume)})

    async def _delete_local(self, request: web.Request) -> web.Response:
        volume = self._find_local(request)
        if self._store.servers.find(volume["_server_id"]):
            raise conflict("Volume is in use. You cannot delete it.")
        self._store.local_volumes.remove(volume["id"])
        self._store.save()
        return web.Response(status=204)

    async def _list_block(self, request: web.Request) -> web.Response:
        query = request.query
        chosen = [
            public(volume)
            for volume in self._store.block_volumes.where(zone=request.match_info["zone"])
            if query.get("name", volume["name"]) == volume["name"]
            and query.get("project_id", volume["project_id"]) == volume["project_id"]
            and has_tags(request, volume)
        ]
        return listing(request, "volumes", chosen)

    async def _create_block(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project = self._context.project(body, "volume")
        name, tags = body.text("name"), body.texts("tags")
        iops = body.integer("perf_iops", IOPS[0])
        size = RequestBody(body.object("from_empty")).integer("size", 0)
        if "from_snapshot" in body:
            raise not_in_stand_in("snapshots")
        if size < SMALLEST:
            body.refuse("from_empty.size", f"size must be at least {SMALLEST} bytes")
        if iops not in IOPS:
            body.refuse("perf_iops", f"perf_iops must be one of {IOPS}")
        body.check()
        volume = self._store.block_volumes.add(_block(name, project, request.match_info["zone"], size, iops))
        volume["tags"] = tags
        self._store.save()
        return web.json_response({**public(volume), "status": "creating"})

    async def _get_block(self, request: web.Request) -> web.Response:
        return web.json_response(public(self._find_block(request)))

    async def _update_block(self, request: web.Request) -> web.Response:
        volume = self._find_block(request)
        body = await RequestBody.of(request)
        name = body.text("name", volume["name"])
        size = body.integer("size", volume["size"])
        iops = body.integer("perf_iops", volume["specs"]["perf_iops"])
        tags = body.texts("tags") if "tags" in body else volume["tags"]
        if size < volume["size"]:
            body.refuse("size", "a volume can only grow")
        if iops not in IOPS:
            body.refuse("perf_iops", f"perf_iops must be one of {IOPS}")
        body.check()
        volume.update(name=name, tags=tags, updated_at=now())
        # Scaleway answers before the volume has grown or become faster.
        resized = (size, iops) != (volume["size"], volume["specs"]["perf_iops"])
        answer = {**public(volume), "status": "updating" if resized else volume["status"]}
        volume.update(size=size, type=_class(iops), specs={"perf_iops": iops, "class": "sbs"})
        self._store.save()
        return web.json_response(answer)

    async def _delete_block(self, request: web.Request) -> web.Response:
        volume = self._find_block(request)
        if volume["references"]:
            raise still_in_use("the volume is attached to a server")
        self._store.block_volumes.remove(volume["id"])
        self._store.save()
        return web.Response(status=204)

    def _find_local(self, request: web.Request) -> Record:
        return self._store.local_volumes.get(request.match_info["id"], zone=request.match_info["zone"])

    def _find_block(self, request: web.Request) -> Record:
        return self._store.block_volumes.get(request.match_info["id"], zone=request.match_info["zone"])

    def _local_view(self, volume: Record) -> Record:
        server = self._store.servers.find(volume["_server_id"])
        return {**public(volume), "server": server and {"id": server["id"], "name": server["name"]}}

    def _local(self, server: Record, size: int) -> Record:
        return {
            "id": new_id(),
            "name": server["image"]["name"],
            "volume_type": LOCAL,
            "export_uri": None,
            "organization": server["organization"],
            "project": server["project"],
            "server": None,
            "size": size,
            "state": "available",
            "creation_date": instance_now(),
            "modification_date": instance_now(),
            "tags": [],
            "zone": server["zone"],
            "_server_id": server["id"],
        }


def _block(name: str, project: str, zone: str, size: int, iops: int) -> Record:
    """A block volume that nobody uses. size: bytes."""
    return {
        "id": new_id(),
        "name": name,
        "type": _class(iops),
        "size": size,
        "project_id": project,
        "created_at": now(),
        "updated_at": now(),
        "references": [],
        "parent_snapshot_id": None,
        "status": "available",
        "tags": [],
        "specs": {"perf_iops": iops, "class": "sbs"},
        "last_detached_at": None,
        "kms_key_id": None,
        "zone": zone,
    }


def _class(iops: int) -> str:
    return f"sbs_{iops // 1000}k"

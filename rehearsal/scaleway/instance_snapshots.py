"""Snapshots and images of volumes, and placement groups: what people and clusters make beside the program.

They are records in the store: nothing is copied. Instance v1 has those of local volumes, Block Storage v1 the others.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import has_tags, instance_listing, listing
from rehearsal.scaleway.records import Record, instance_now, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody
from rehearsal.scaleway.store import Table

_INSTANCE = "/instance/v1/zones/{zone}"
_BLOCK = "/block/v1/zones/{zone}/snapshots"
MODES = ("optional", "enforced")
POLICIES = ("low_latency", "max_availability")


class Snapshots:
    """Snapshots, images and placement groups; each can be made, listed and removed, and nothing can be made of it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            *self._instance("snapshots", "snapshot", self._store.local_snapshots, self._local),
            *self._instance("images", "image", self._store.images, self._image),
            *self._instance("placement_groups", "placement_group", self._store.placement_groups, self._placement_group),
            web.get(_BLOCK, self._list_block),
            web.post(_BLOCK, self._create_block),
            web.delete(_BLOCK + "/{id}", self._delete_block),
        ]

    def _instance(
        self, many: str, one: str, table: Table, read: Callable[[RequestBody, str], Record]
    ) -> list[web.RouteDef]:
        """The routes of one kind of the Instance API, which wraps each resource in an object with one key."""

        def found(request: web.Request) -> Record:
            return table.get(request.match_info["id"], zone=request.match_info["zone"])

        async def show(request: web.Request) -> web.Response:
            records = table.where(zone=request.match_info["zone"])
            return instance_listing(request, many, [public(each) for each in records if has_tags(request, each)])

        async def create(request: web.Request) -> web.Response:
            body = await RequestBody.of(request)
            project = self._context.project(body, one, "project")
            zone = request.match_info["zone"]
            made: Record = {
                "id": new_id(),
                "name": body.text("name"),
                "tags": body.texts("tags"),
                "organization": self._context.credentials.organization_id,
                "project": project,
                "zone": zone,
                **read(body, zone),
            }
            body.check()
            table.add(made)
            self._store.save()
            return web.json_response({one: public(made)}, status=201)

        async def delete(request: web.Request) -> web.Response:
            table.remove(found(request)["id"])
            self._store.save()
            return web.Response(status=204)

        path = f"{_INSTANCE}/{many}"
        return [web.get(path, show), web.post(path, create), web.delete(path + "/{id}", delete)]

    def _local(self, body: RequestBody, zone: str) -> Record:
        volume = self._store.local_volumes.get(body.text("volume_id"), zone=zone)
        return {
            "volume_type": volume["volume_type"],
            "size": volume["size"],
            "state": "available",
            "base_volume": {"id": volume["id"], "name": volume["name"]},
            "creation_date": instance_now(),
            "modification_date": instance_now(),
            "error_reason": None,
        }

    def _image(self, body: RequestBody, zone: str) -> Record:
        snapshot = self._store.local_snapshots.get(body.text("root_volume"), zone=zone)
        return {
            "arch": body.text("arch"),
            "public": False,
            "state": "available",
            "from_server": None,
            "extra_volumes": {},
            "default_bootscript": None,
            "root_volume": {key: snapshot[key] for key in ("id", "name", "size", "volume_type")},
            "creation_date": instance_now(),
            "modification_date": instance_now(),
        }

    def _placement_group(self, body: RequestBody, _zone: str) -> Record:
        return {
            "policy_mode": body.choice("policy_mode", MODES, "optional"),
            "policy_type": body.choice("policy_type", POLICIES, "max_availability"),
            "policy_respected": True,
        }

    async def _list_block(self, request: web.Request) -> web.Response:
        query = request.query
        chosen = [
            public(snapshot)
            for snapshot in self._store.block_snapshots.where(zone=request.match_info["zone"])
            if query.get("name", snapshot["name"]) == snapshot["name"]
            and query.get("volume_id", snapshot["parent_volume"]["id"]) == snapshot["parent_volume"]["id"]
            and has_tags(request, snapshot)
        ]
        return listing(request, "snapshots", chosen)

    async def _create_block(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project, zone = self._context.project(body, "snapshot"), request.match_info["zone"]
        name, tags, identity = body.text("name"), body.texts("tags"), body.text("volume_id")
        body.check()
        volume = self._store.block_volumes.get(identity, zone=zone)
        made = self._store.block_snapshots.add(
            {
                "id": new_id(),
                "name": name,
                "parent_volume": {key: volume[key] for key in ("id", "name", "type", "status")},
                "size": volume["size"],
                "project_id": project,
                "created_at": now(),
                "updated_at": now(),
                "references": [],
                "status": "available",
                "tags": tags,
                "class": "sbs",
                "public": False,
                "zone": zone,
            }
        )
        self._store.save()
        return web.json_response({**public(made), "status": "creating"})

    async def _delete_block(self, request: web.Request) -> web.Response:
        self._store.block_snapshots.remove(self._find_block(request)["id"])
        self._store.save()
        return web.Response(status=204)

    def _find_block(self, request: web.Request) -> Record:
        return self._store.block_snapshots.get(request.match_info["id"], zone=request.match_info["zone"])

"""Container Registry v1: namespaces. Nothing is pushed here: no image comes into any of them.

A namespace goes with its images, as the real one does: the provider's recording data-source-image-tag-basic deletes one
that holds an image. Its name is taken until it is gone.
"""

from __future__ import annotations

import re

from aiohttp import web

from rehearsal.scaleway.api_errors import ApiError
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

_NAMESPACES = "/registry/v1/regions/{region}/namespaces"
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
DELETING = "deleting"


class Registry:
    """Namespaces, whose names no two customers of a region share."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_NAMESPACES, self._list),
            web.post(_NAMESPACES, self._create),
            web.get(_NAMESPACES + "/{id}", self._get),
            web.patch(_NAMESPACES + "/{id}", self._update),
            web.delete(_NAMESPACES + "/{id}", self._delete),
        ]

    def resume(self) -> None:
        """Go on removing what was going when the process ended."""
        for namespace in self._store.registry_namespaces.where(status=DELETING):
            self._remove(namespace)

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        found = [
            public(namespace)
            for namespace in self._store.registry_namespaces.where(region=request.match_info["region"])
            if query.get("name", namespace["name"]) == namespace["name"]
            and query.get("project_id", namespace["project_id"]) == namespace["project_id"]
            and query.get("organization_id", namespace["organization_id"]) == namespace["organization_id"]
        ]
        return listing(request, "namespaces", found)

    async def _create(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        body = await RequestBody.of(request)
        project = self._context.project(body, "registry_namespace")
        name, description, is_public = body.text("name"), body.text("description", ""), body.flag("is_public")
        body.check()
        # A name that cannot be is answered by the same words: scaleway/terraform-provider-scaleway, pull request 860.
        if not _NAME.fullmatch(name) or self._store.registry_namespaces.where(name=name, region=region):
            raise ApiError(409, {"message": "Namespace already exist"})
        made: Record = {
            "id": new_id(),
            "name": name,
            "description": description,
            "organization_id": self._context.credentials.organization_id,
            "project_id": project,
            "status": "ready",
            "status_message": "",
            "endpoint": f"rg.{region}.scw.cloud/{name}",
            "is_public": is_public,
            "size": 0,
            "created_at": now(),
            "updated_at": now(),
            "image_count": 0,
            "region": region,
        }
        self._store.registry_namespaces.add(made)
        self._store.save()
        return web.json_response(public(made))

    async def _get(self, request: web.Request) -> web.Response:
        namespace = self._find(request)
        await self._context.jobs.settled(namespace["id"], self._context.long_poll_seconds)
        return web.json_response(public(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        namespace = self._find(request)
        body = await RequestBody.of(request)
        changes = {
            "description": body.text("description", namespace["description"]),
            "is_public": body.flag("is_public", namespace["is_public"]),
        }
        body.check()
        namespace.update(changes, updated_at=now())
        self._store.save()
        return web.json_response(public(namespace))

    async def _delete(self, request: web.Request) -> web.Response:
        namespace = self._find(request)
        namespace.update(status=DELETING, updated_at=now())
        self._store.save()
        self._remove(namespace)
        return web.json_response(public(namespace))

    def _remove(self, namespace: Record) -> None:
        async def remove() -> None:
            self._store.registry_namespaces.remove(namespace["id"])
            self._store.save()

        self._context.jobs.start(namespace["id"], "removing registry namespace", remove, lambda _: None)

    def _find(self, request: web.Request) -> Record:
        """Raises ApiError (404), in this product's own words."""
        namespace = self._store.registry_namespaces.find(request.match_info["id"])
        if namespace is None or namespace["region"] != request.match_info["region"]:
            raise ApiError(404, {"message": "Namespace was not found"})
        return namespace

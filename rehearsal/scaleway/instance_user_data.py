"""Instance v1: user data of servers."""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.api_errors import invalid, not_found
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.records import Record

_USER_DATA = "/instance/v1/zones/{zone}/servers/{id}/user_data"
LARGEST_USER_DATA = 127_998
"""Bytes of one value."""


class UserData:
    """User data, key by key; `cloud-init` holds the instructions for the first boot."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_USER_DATA, self._list),
            web.get(_USER_DATA + "/{key}", self._get),
            web.patch(_USER_DATA + "/{key}", self._set),
            web.delete(_USER_DATA + "/{key}", self._delete),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"user_data": sorted(self._server(request)["_user_data"])})

    async def _get(self, request: web.Request) -> web.Response:
        return web.Response(text=self._value(request), content_type="text/plain")

    async def _set(self, request: web.Request) -> web.Response:
        server = self._server(request)
        text = await request.text()
        if len(text.encode()) > LARGEST_USER_DATA:
            raise invalid("user_data", f"a value has at most {LARGEST_USER_DATA} bytes")
        server["_user_data"][request.match_info["key"]] = text
        self._store.save()
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        self._value(request)
        del self._server(request)["_user_data"][request.match_info["key"]]
        self._store.save()
        return web.Response(status=204)

    def _value(self, request: web.Request) -> str:
        values: dict[str, str] = self._server(request)["_user_data"]
        key = request.match_info["key"]
        if key not in values:
            raise not_found("instance_user_data", key)
        return values[key]

    def _server(self, request: web.Request) -> Record:
        return self._store.servers.get(request.match_info["id"], zone=request.match_info["zone"])

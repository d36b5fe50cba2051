"""Instance v1: the commercial types of servers."""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.offers import SERVER_TYPES
from rehearsal.scaleway.paging import page, total


class ServerTypes:
    """Commercial types, by name."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/instance/v1/zones/{zone}/products/servers", self._list)]

    async def _list(self, request: web.Request) -> web.Response:
        names = page(request, sorted(SERVER_TYPES))
        views = {name: SERVER_TYPES[name].view() for name in names}
        return web.json_response({"servers": views}, headers=total(SERVER_TYPES))

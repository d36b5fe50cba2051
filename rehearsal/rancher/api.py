"""Rancher's HTTP API, as far as the rancher2 provider uses it.

What each route answers: rancher/rancher (pkg/api/norman), rancher/norman, and the provider's own use of it
(rancher/terraform-provider-rancher2).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from rehearsal.rancher.answers import ApiError, body_of, credentials, error_answer
from rehearsal.rancher.api_context import CALLER, AgentReady, ApiContext
from rehearsal.rancher.cluster_routes import ClusterRoutes
from rehearsal.rancher.login_routes import LoginRoutes
from rehearsal.rancher.setting_routes import SettingRoutes
from rehearsal.rancher.state import State, Token

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The routes over one state. clock: seconds since 1970."""

    def __init__(self, state: State, agent_ready: AgentReady, clock: Callable[[], float]) -> None:
        self._context = context = ApiContext(state, agent_ready, clock)
        self._resources = (LoginRoutes(context), SettingRoutes(context), ClusterRoutes(context))
        self._down = False

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._answer_errors, self._authenticate])
        application.add_routes(
            [
                web.post("/rehearsal/down", self._go_down),
                web.delete("/rehearsal/down", self._come_back),
                web.put("/rehearsal/datastore", self._be_on),
                web.get("/v3", self._root),
                web.get("/v3/schemas", self._schemas),
            ]
        )
        for resource in self._resources:
            application.add_routes(resource.routes())
        return application

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if self._down and not request.path.startswith("/rehearsal/"):
                raise ApiError(503, "ServiceUnavailable", "the rehearsal ordered this: DELETE /rehearsal/down ends it")
            return await handler(request)
        except ApiError as refused:
            return error_answer(refused.status, refused.code, refused.message)
        except web.HTTPException as error:
            return error_answer(error.status, error.reason.replace(" ", ""), error.reason)

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path
        if path.startswith("/k8s/") or (path.startswith("/v3") and not path.startswith(("/v3-public/", "/v3/import/"))):
            request[CALLER] = self._caller(request)
        return await handler(request)

    def _caller(self, request: web.Request) -> Token:
        identity, _, secret = credentials(request.headers.get("Authorization", "")).partition(":")
        token = self._context.state.tokens.get(identity)
        if token is None or not secrets.compare_digest(token.secret, secret) or token.expired(self._context.now):
            raise ApiError(401, "Unauthorized", "must authenticate")
        return token

    async def _go_down(self, request: web.Request) -> web.Response:
        """Fault on demand, until DELETE or a restart of the stand-in."""
        self._down = True
        return web.Response(status=204)

    async def _come_back(self, request: web.Request) -> web.Response:
        self._down = False
        return web.Response(status=204)

    async def _be_on(self, request: web.Request) -> web.Response:
        """Go on with the data of another datastore."""
        datastore = str((await body_of(request)).get("id") or "")
        if not re.fullmatch(r"[0-9a-f-]+", datastore):
            raise ApiError(422, "InvalidFormat", "id must be a UID")
        self._context.state.be_on(datastore)
        return web.Response(status=204)

    async def _root(self, request: web.Request) -> web.Response:
        views = self._context.views(request)
        return web.json_response(
            {"type": "apiRoot", "links": {"self": f"{views.base}/v3"}},
            headers={"X-API-Schemas": f"{views.base}/v3/schemas"},
        )

    async def _schemas(self, request: web.Request) -> web.Response:
        return web.json_response(self._context.views(request).schemas())

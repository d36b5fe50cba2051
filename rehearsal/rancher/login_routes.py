"""Login, API tokens and the one user of Rancher's API."""

from __future__ import annotations

from aiohttp import web

from rehearsal.rancher.answers import ApiError, body_of, found, milliseconds, texts
from rehearsal.rancher.api_context import CALLER, ApiContext
from rehearsal.rancher.state import ADMIN, Password, Token
from rehearsal.rancher.views import TOKEN, USER


class LoginRoutes:
    """Logins by password, tokens, and the user admin."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/ping", self._ping),
            web.post("/v1-public/login", self._login),
            web.post("/v3-public/localProviders/local", self._old_login),
            web.get("/v3/tokens", self._tokens),
            web.post("/v3/tokens", self._create_token),
            web.get("/v3/tokens/{id}", self._token),
            web.delete("/v3/tokens/{id}", self._delete_token),
            web.get("/v3/users", self._users),
            web.get("/v3/users/{id}", self._user),
            web.post("/v3/users/{id}", self._set_password),
        ]

    async def _ping(self, request: web.Request) -> web.Response:
        return web.Response(text="pong")

    async def _login(self, request: web.Request) -> web.Response:
        return web.json_response({"type": "token", "token": (await self._session(request)).value}, status=200)

    async def _old_login(self, request: web.Request) -> web.Response:
        if request.query.get("action") != "login":
            raise ApiError(404, "NotFound", "only the action login is there")
        token = await self._session(request)
        return web.json_response({**self._context.views(request).token(token, None), "token": token.value}, status=201)

    async def _session(self, request: web.Request) -> Token:
        body = await body_of(request)
        if body.get("username") != "admin" or not self._context.state.password.matches(str(body.get("password", ""))):
            raise ApiError(401, "Unauthorized", "authentication failed")
        longest = int(self._context.state.setting("auth-user-session-ttl-minutes")) * 60_000
        token = self._context.state.new_token(
            now=self._context.now,
            ttl=min(milliseconds(body) or longest, longest),
            description=str(body.get("description") or ""),
        )
        self._context.state.save()
        return token

    async def _tokens(self, request: web.Request) -> web.Response:
        views = self._context.views(request)
        data = [views.token(token, request[CALLER]) for token in self._context.state.tokens.values()]
        return web.json_response(views.collection(TOKEN, data, request.query))

    async def _create_token(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        token = self._context.state.new_token(
            now=self._context.now,
            ttl=milliseconds(body),
            description=str(body.get("description") or ""),
            cluster=str(body.get("clusterId") or ""),
        )
        token.labels, token.annotations = texts(body, "labels"), texts(body, "annotations")
        self._context.state.save()
        view = self._context.views(request).token(token, request[CALLER])
        return web.json_response({**view, "token": token.value}, status=201)

    async def _token(self, request: web.Request) -> web.Response:
        token = found(self._context.state.tokens.get(request.match_info["id"]))
        return web.json_response(self._context.views(request).token(token, request[CALLER]))

    async def _delete_token(self, request: web.Request) -> web.Response:
        token = found(self._context.state.tokens.get(request.match_info["id"]))
        del self._context.state.tokens[token.id]
        self._context.state.save()
        return web.Response(status=204)

    async def _users(self, request: web.Request) -> web.Response:
        views = self._context.views(request)
        return web.json_response(views.collection(USER, [views.user()], request.query))

    async def _user(self, request: web.Request) -> web.Response:
        found(True if request.match_info["id"] == ADMIN else None)
        return web.json_response(self._context.views(request).user())

    async def _set_password(self, request: web.Request) -> web.Response:
        found(True if request.match_info["id"] == ADMIN else None)
        if request.query.get("action") != "setpassword":
            raise ApiError(404, "NotFound", "only the action setpassword is there")
        password = str((await body_of(request)).get("newPassword") or "")
        # rancher/rancher, pkg/settings: password-min-length.
        if len(password) < 12:
            raise ApiError(422, "InvalidBodyContent", "Password must be at least 12 characters")
        self._context.state.password = Password.of(password)
        self._context.state.save()
        return web.json_response(self._context.views(request).user())

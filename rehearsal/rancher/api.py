"""Rancher's HTTP API, as far as the rancher2 provider uses it.

What each route answers: rancher/rancher (pkg/api/norman), rancher/norman, and the provider's own use of it
(rancher/terraform-provider-rancher2).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from aiohttp import web

from rehearsal.rancher.manifest import agent_manifest
from rehearsal.rancher.state import ADMIN, READ_ONLY, Cluster, Password, Setting, State, Token, new_name
from rehearsal.rancher.views import (
    CLUSTER,
    NODE,
    PROJECT,
    REGISTRATION,
    REMOVING,
    SETTING,
    TOKEN,
    USER,
    View,
    Views,
)

AgentReady = Callable[[str], Awaitable[bool]]
"""Whether the agent of a cluster is there: gets the cluster's registration token."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOCAL = "local"
_CALLER = web.RequestKey("caller", Token)
T = TypeVar("T")


class ApiError(Exception):
    """An answer that is an error of Rancher's API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Api:
    """The routes over one state. clock: seconds since 1970."""

    def __init__(self, state: State, agent_ready: AgentReady, clock: Callable[[], float]) -> None:
        self._state = state
        self._agent_ready = agent_ready
        self._clock = clock
        self._down = False

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._answer_errors, self._authenticate])
        application.add_routes(
            [
                web.post("/rehearsal/down", self._go_down),
                web.delete("/rehearsal/down", self._come_back),
                web.put("/rehearsal/datastore", self._be_on),
                web.get("/ping", self._ping),
                web.post("/v1-public/login", self._login),
                web.post("/v3-public/localProviders/local", self._old_login),
                web.get("/v3", self._root),
                web.get("/v3/schemas", self._schemas),
                web.get("/v3/tokens", self._tokens),
                web.post("/v3/tokens", self._create_token),
                web.get("/v3/tokens/{id}", self._token),
                web.delete("/v3/tokens/{id}", self._delete_token),
                web.get("/v3/users", self._users),
                web.get("/v3/users/{id}", self._user),
                web.post("/v3/users/{id}", self._set_password),
                web.get("/v3/settings", self._settings),
                web.post("/v3/settings", self._create_setting),
                web.get("/v3/settings/{id}", self._setting),
                web.put("/v3/settings/{id}", self._update_setting),
                web.delete("/v3/settings/{id}", self._delete_setting),
                web.get("/v3/clusters", self._clusters),
                web.post("/v3/clusters", self._create_cluster),
                web.get("/v3/clusters/{id}", self._cluster),
                web.put("/v3/clusters/{id}", self._update_cluster),
                web.delete("/v3/clusters/{id}", self._delete_cluster),
                web.post("/v3/clusters/{id}", self._cluster_action),
                web.get("/v3/clusterregistrationtokens", self._registrations),
                web.post("/v3/clusterregistrationtokens", self._create_registration),
                web.get("/v3/clusterregistrationtokens/{id}", self._registration),
                web.get("/v3/projects", self._projects),
                web.get("/v3/projects/{id}", self._project),
                web.get("/v3/nodes", self._nodes),
                web.get("/v3/import/{name}.yaml", self._import),
                web.get("/k8s/clusters/{id}/version", self._version),
            ]
        )
        return application

    @property
    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _views(self, request: web.Request) -> Views:
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
        return Views(self._state, f"{scheme}://{request.host}", self._now)

    # Errors and who is asking.

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if self._down and not request.path.startswith("/rehearsal/"):
                raise ApiError(503, "ServiceUnavailable", "the rehearsal ordered this: DELETE /rehearsal/down ends it")
            return await handler(request)
        except ApiError as refused:
            return _error(refused.status, refused.code, refused.message)
        except web.HTTPException as error:
            return _error(error.status, error.reason.replace(" ", ""), error.reason)

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path
        if path.startswith("/k8s/") or (path.startswith("/v3") and not path.startswith(("/v3-public/", "/v3/import/"))):
            request[_CALLER] = self._caller(request)
        return await handler(request)

    def _caller(self, request: web.Request) -> Token:
        identity, _, secret = _credentials(request.headers.get("Authorization", "")).partition(":")
        token = self._state.tokens.get(identity)
        if token is None or not secrets.compare_digest(token.secret, secret) or token.expired(self._now):
            raise ApiError(401, "Unauthorized", "must authenticate")
        return token

    # A fault on demand; a stand-in that is started again has none.

    async def _go_down(self, request: web.Request) -> web.Response:
        self._down = True
        return web.Response(status=204)

    async def _come_back(self, request: web.Request) -> web.Response:
        self._down = False
        return web.Response(status=204)

    # What it runs on.

    async def _be_on(self, request: web.Request) -> web.Response:
        datastore = str((await _body(request)).get("id") or "")
        if not re.fullmatch(r"[0-9a-f-]+", datastore):
            raise ApiError(422, "InvalidFormat", "id must be a UID")
        self._state.be_on(datastore)
        return web.Response(status=204)

    # Logging in.

    async def _ping(self, request: web.Request) -> web.Response:
        return web.Response(text="pong")

    async def _login(self, request: web.Request) -> web.Response:
        return web.json_response({"type": "token", "token": (await self._session(request)).value}, status=200)

    async def _old_login(self, request: web.Request) -> web.Response:
        if request.query.get("action") != "login":
            raise ApiError(404, "NotFound", "only the action login is there")
        token = await self._session(request)
        return web.json_response({**self._views(request).token(token, None), "token": token.value}, status=201)

    async def _session(self, request: web.Request) -> Token:
        body = await _body(request)
        if body.get("username") != "admin" or not self._state.password.matches(str(body.get("password", ""))):
            raise ApiError(401, "Unauthorized", "authentication failed")
        longest = int(self._state.setting("auth-user-session-ttl-minutes")) * 60_000
        token = self._state.new_token(
            now=self._now,
            ttl=min(_milliseconds(body) or longest, longest),
            description=str(body.get("description") or ""),
        )
        self._state.save()
        return token

    async def _root(self, request: web.Request) -> web.Response:
        views = self._views(request)
        return web.json_response(
            {"type": "apiRoot", "links": {"self": f"{views.base}/v3"}},
            headers={"X-API-Schemas": f"{views.base}/v3/schemas"},
        )

    async def _schemas(self, request: web.Request) -> web.Response:
        return web.json_response(self._views(request).schemas())

    # Tokens.

    async def _tokens(self, request: web.Request) -> web.Response:
        views = self._views(request)
        data = [views.token(token, request[_CALLER]) for token in self._state.tokens.values()]
        return web.json_response(views.collection(TOKEN, data, request.query))

    async def _create_token(self, request: web.Request) -> web.Response:
        body = await _body(request)
        token = self._state.new_token(
            now=self._now,
            ttl=_milliseconds(body),
            description=str(body.get("description") or ""),
            cluster=str(body.get("clusterId") or ""),
        )
        token.labels, token.annotations = _texts(body, "labels"), _texts(body, "annotations")
        self._state.save()
        view = self._views(request).token(token, request[_CALLER])
        return web.json_response({**view, "token": token.value}, status=201)

    async def _token(self, request: web.Request) -> web.Response:
        token = _found(self._state.tokens.get(request.match_info["id"]))
        return web.json_response(self._views(request).token(token, request[_CALLER]))

    async def _delete_token(self, request: web.Request) -> web.Response:
        token = _found(self._state.tokens.get(request.match_info["id"]))
        del self._state.tokens[token.id]
        self._state.save()
        return web.Response(status=204)

    # The one user.

    async def _users(self, request: web.Request) -> web.Response:
        views = self._views(request)
        return web.json_response(views.collection(USER, [views.user()], request.query))

    async def _user(self, request: web.Request) -> web.Response:
        _found(True if request.match_info["id"] == ADMIN else None)
        return web.json_response(self._views(request).user())

    async def _set_password(self, request: web.Request) -> web.Response:
        _found(True if request.match_info["id"] == ADMIN else None)
        if request.query.get("action") != "setpassword":
            raise ApiError(404, "NotFound", "only the action setpassword is there")
        password = str((await _body(request)).get("newPassword") or "")
        # rancher/rancher, pkg/settings: password-min-length.
        if len(password) < 12:
            raise ApiError(422, "InvalidBodyContent", "Password must be at least 12 characters")
        self._state.password = Password.of(password)
        self._state.save()
        return web.json_response(self._views(request).user())

    # Settings.

    async def _settings(self, request: web.Request) -> web.Response:
        views = self._views(request)
        data = [views.setting(setting) for setting in self._state.settings.values()]
        return web.json_response(views.collection(SETTING, data, request.query))

    async def _create_setting(self, request: web.Request) -> web.Response:
        body = await _body(request)
        name = str(body.get("name") or "")
        if not name:
            raise ApiError(422, "MissingRequired", "name is required")
        if name in self._state.settings:
            raise ApiError(409, "AlreadyExists", f"setting {name} already exists")
        setting = Setting(name, creator=ADMIN)
        self._state.settings[name] = setting
        return self._kept(request, setting, body, 201)

    async def _setting(self, request: web.Request) -> web.Response:
        setting = _found(self._state.settings.get(request.match_info["id"]))
        return web.json_response(self._views(request).setting(setting))

    async def _update_setting(self, request: web.Request) -> web.Response:
        setting = _found(self._state.settings.get(request.match_info["id"]))
        if setting.name in READ_ONLY:
            raise ApiError(405, "MethodNotAllowed", f"setting {setting.name} is readOnly")
        return self._kept(request, setting, await _body(request), 200)

    def _kept(self, request: web.Request, setting: Setting, body: View, status: int) -> web.Response:
        value = str(body.get("value") or "")
        if setting.name.endswith("-ttl-minutes") and value and not value.isdigit():
            raise ApiError(422, "InvalidFormat", f"setting {setting.name} must be a number of minutes")
        setting.value = value
        setting.labels = _texts(body, "labels") if "labels" in body else setting.labels
        setting.annotations = _texts(body, "annotations") if "annotations" in body else setting.annotations
        self._state.save()
        return web.json_response(self._views(request).setting(setting), status=status)

    async def _delete_setting(self, request: web.Request) -> web.Response:
        setting = _found(self._state.settings.get(request.match_info["id"]))
        if not setting.creator:
            raise ApiError(405, "MethodNotAllowed", f"setting {setting.name} cannot be deleted")
        del self._state.settings[setting.name]
        self._state.save()
        return web.Response(status=204)

    # Clusters.

    async def _clusters(self, request: web.Request) -> web.Response:
        self._forget_removed()
        data = [await self._seen(request, cluster) for cluster in self._state.clusters.values()]
        return web.json_response(self._views(request).collection(CLUSTER, data, request.query))

    async def _create_cluster(self, request: web.Request) -> web.Response:
        body = await _body(request)
        name = str(body.get("name") or "")
        if not name:
            raise ApiError(422, "MissingRequired", "name is required")
        if str(body.get("driver") or "imported") != "imported":
            raise ApiError(422, "InvalidOption", "this stand-in only imports clusters")
        self._forget_removed()
        if any(cluster.name == name for cluster in self._state.clusters.values()):
            raise ApiError(422, "NotUnique", f"cluster name {name} is not unique")
        identity = new_name("c-")
        cluster = Cluster(
            id=identity,
            name=name,
            created=self._now,
            registration=secrets.token_hex(27),
            default_project=f"{identity}:{new_name('p-')}",
            system_project=f"{identity}:{new_name('p-')}",
        )
        self._state.clusters[identity] = cluster
        self._describe(cluster, body)
        return web.json_response(await self._seen(request, cluster), status=201)

    def _describe(self, cluster: Cluster, body: View) -> None:
        cluster.name = str(body.get("name") or cluster.name)
        cluster.description = str(body.get("description") or "")
        cluster.labels = _texts(body, "labels")
        cluster.annotations = _texts(body, "annotations")
        self._state.save()

    async def _cluster(self, request: web.Request) -> web.Response:
        return web.json_response(await self._seen(request, self._known(request)))

    async def _update_cluster(self, request: web.Request) -> web.Response:
        cluster = self._known(request)
        self._describe(cluster, await _body(request))
        return web.json_response(await self._seen(request, cluster))

    async def _delete_cluster(self, request: web.Request) -> web.Response:
        cluster = self._known(request)
        cluster.removed = cluster.removed or self._now
        self._state.save()
        return web.json_response(await self._seen(request, cluster))

    async def _cluster_action(self, request: web.Request) -> web.Response:
        cluster = self._known(request)
        if request.query.get("action") != "generateKubeconfig":
            raise ApiError(404, "NotFound", "only the action generateKubeconfig is there")
        return web.json_response(self._views(request).kubeconfig(cluster, self._kubeconfig_token(cluster)))

    def _kubeconfig_token(self, cluster: Cluster) -> Token:
        """The cluster's own token: the one there is while it lives, so that asking again changes nothing."""
        prefix = f"kubeconfig-{cluster.id}-"
        for token in self._state.tokens.values():
            if token.id.startswith(prefix) and not token.expired(self._now):
                return token
        minutes = int(self._state.setting("kubeconfig-default-token-ttl-minutes"))
        token = self._state.new_token(
            now=self._now,
            ttl=minutes * 60_000,
            description="Kubeconfig token",
            cluster=cluster.id,
            prefix=prefix,
        )
        self._state.save()
        return token

    def _known(self, request: web.Request) -> Cluster:
        self._forget_removed()
        identity = request.match_info["id"]
        if identity == LOCAL:
            # The cluster on which Rancher itself runs is not shown; the provider takes that for an answer.
            raise ApiError(403, "Forbidden", "clusters local is forbidden")
        return _found(self._state.clusters.get(identity))

    async def _seen(self, request: web.Request, cluster: Cluster) -> View:
        """The cluster as it is now: looks whether its agent is there."""
        connected = not cluster.removed and await self._agent_ready(cluster.registration)
        if connected and not cluster.joined:
            cluster.joined = True
            self._state.save()
        return self._views(request).cluster(cluster, connected=connected)

    def _forget_removed(self) -> None:
        gone = [c.id for c in self._state.clusters.values() if c.removed and self._now >= c.removed + REMOVING]
        for identity in gone:
            del self._state.clusters[identity]
        if gone:
            self._state.save()

    # What comes with a cluster.

    async def _registrations(self, request: web.Request) -> web.Response:
        views = self._views(request)
        data = [views.registration(cluster) for cluster in self._state.clusters.values()]
        return web.json_response(views.collection(REGISTRATION, data, request.query))

    async def _create_registration(self, request: web.Request) -> web.Response:
        cluster = _found(self._state.clusters.get(str((await _body(request)).get("clusterId"))))
        raise ApiError(409, "AlreadyExists", f"clusterregistrationtoken {cluster.id}:default-token already exists")

    async def _registration(self, request: web.Request) -> web.Response:
        identity, _, name = request.match_info["id"].partition(":")
        cluster = _found(self._state.clusters.get(identity) if name == "default-token" else None)
        return web.json_response(self._views(request).registration(cluster))

    async def _projects(self, request: web.Request) -> web.Response:
        views = self._views(request)
        return web.json_response(views.collection(PROJECT, views.projects(), request.query))

    async def _project(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        projects = self._views(request).projects()
        return web.json_response(_found(next((view for view in projects if view["id"] == wanted), None)))

    async def _nodes(self, request: web.Request) -> web.Response:
        """None: without an agent of its own, the stand-in knows no cluster's nodes."""
        return web.json_response(self._views(request).collection(NODE, [], request.query))

    async def _import(self, request: web.Request) -> web.Response:
        registration, _, identity = request.match_info["name"].partition("_")
        cluster = self._state.clusters.get(identity)
        if cluster is None or not secrets.compare_digest(cluster.registration, registration):
            raise ApiError(404, "NotFound", "no cluster has that registration token")
        text = agent_manifest(self._views(request).server(), registration, identity, self._state.setting("cacerts"))
        return web.Response(text=text, content_type="text/yaml")

    async def _version(self, request: web.Request) -> web.Response:
        """With it the official provider tells whether a kubeconfig that it has still works."""
        cluster = self._known(request)
        if not await self._agent_ready(cluster.registration):
            raise ApiError(503, "ClusterUnavailable", f"cluster {cluster.id} is not connected")
        return web.json_response({"major": "1", "minor": "36", "gitVersion": "v1.36.1"})


def _error(status: int, code: str, message: str) -> web.Response:
    body = {"type": "error", "baseType": "error", "status": status, "code": code, "message": message}
    return web.json_response(body, status=status)


def _found(thing: T | None) -> T:
    if thing is None:
        raise ApiError(404, "NotFound", "404 page not found")
    return thing


async def _body(request: web.Request) -> View:
    try:
        body: object = await request.json()
    except json.JSONDecodeError as error:
        raise ApiError(422, "InvalidBodyContent", "the body must be JSON") from error
    if not isinstance(body, dict):
        raise ApiError(422, "InvalidBodyContent", "the body must be a JSON object")
    return cast("View", body)


def _texts(body: View, name: str) -> dict[str, str]:
    given = body.get(name)
    return {str(key): str(value) for key, value in cast("View", given).items()} if isinstance(given, dict) else {}


def _milliseconds(body: View) -> int:
    given = body.get("ttl") or 0
    if not isinstance(given, int) or given < 0:
        raise ApiError(422, "InvalidFormat", "ttl must be a number of milliseconds")
    return given


def _credentials(header: str) -> str:
    """`id:secret` out of a Bearer or Basic header; empty if there is none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value
    try:
        return base64.b64decode(value).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""

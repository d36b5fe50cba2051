"""Imported clusters of Rancher's API, with their registration tokens, projects and nodes."""

from __future__ import annotations

import secrets

from aiohttp import web

from rehearsal.rancher.answers import ApiError, body_of, found, texts
from rehearsal.rancher.api_context import ApiContext
from rehearsal.rancher.manifest import agent_manifest
from rehearsal.rancher.state import Cluster, Token, new_name
from rehearsal.rancher.views import CLUSTER, NODE, PROJECT, REGISTRATION, REMOVING, View

LOCAL = "local"
"""Cluster that Rancher itself runs on."""


class ClusterRoutes:
    """Imported clusters; active once their agent is ready."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def routes(self) -> list[web.RouteDef]:
        return [
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

    async def _clusters(self, request: web.Request) -> web.Response:
        self._forget_removed()
        data = [await self._seen(request, cluster) for cluster in self._context.state.clusters.values()]
        return web.json_response(self._context.views(request).collection(CLUSTER, data, request.query))

    async def _create_cluster(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        name = str(body.get("name") or "")
        if not name:
            raise ApiError(422, "MissingRequired", "name is required")
        if str(body.get("driver") or "imported") != "imported":
            raise ApiError(422, "InvalidOption", "this stand-in only imports clusters")
        self._forget_removed()
        if any(cluster.name == name for cluster in self._context.state.clusters.values()):
            raise ApiError(422, "NotUnique", f"cluster name {name} is not unique")
        identity = new_name("c-")
        cluster = Cluster(
            id=identity,
            name=name,
            created=self._context.now,
            registration=secrets.token_hex(27),
            default_project=f"{identity}:{new_name('p-')}",
            system_project=f"{identity}:{new_name('p-')}",
        )
        self._context.state.clusters[identity] = cluster
        self._describe(cluster, body)
        return web.json_response(await self._seen(request, cluster), status=201)

    def _describe(self, cluster: Cluster, body: View) -> None:
        cluster.name = str(body.get("name") or cluster.name)
        cluster.description = str(body.get("description") or "")
        cluster.labels = texts(body, "labels")
        cluster.annotations = texts(body, "annotations")
        self._context.state.save()

    async def _cluster(self, request: web.Request) -> web.Response:
        return web.json_response(await self._seen(request, self._known(request)))

    async def _update_cluster(self, request: web.Request) -> web.Response:
        cluster = self._known(request)
        self._describe(cluster, await body_of(request))
        return web.json_response(await self._seen(request, cluster))

    async def _delete_cluster(self, request: web.Request) -> web.Response:
        cluster = self._known(request)
        cluster.removed = cluster.removed or self._context.now
        self._context.state.save()
        return web.json_response(await self._seen(request, cluster))

    async def _cluster_action(self, request: web.Request) -> web.Response:
        cluster = self._known(request)
        if request.query.get("action") != "generateKubeconfig":
            raise ApiError(404, "NotFound", "only the action generateKubeconfig is there")
        return web.json_response(self._context.views(request).kubeconfig(cluster, self._kubeconfig_token(cluster)))

    def _kubeconfig_token(self, cluster: Cluster) -> Token:
        """The cluster's own token: the one there is while it lives, so that asking again changes nothing."""
        prefix = f"kubeconfig-{cluster.id}-"
        for token in self._context.state.tokens.values():
            if token.id.startswith(prefix) and not token.expired(self._context.now):
                return token
        minutes = int(self._context.state.setting("kubeconfig-default-token-ttl-minutes"))
        token = self._context.state.new_token(
            now=self._context.now,
            ttl=minutes * 60_000,
            description="Kubeconfig token",
            cluster=cluster.id,
            prefix=prefix,
        )
        self._context.state.save()
        return token

    def _known(self, request: web.Request) -> Cluster:
        self._forget_removed()
        identity = request.match_info["id"]
        if identity == LOCAL:
            # The cluster on which Rancher itself runs is not shown; the provider takes that for an answer.
            raise ApiError(403, "Forbidden", "clusters local is forbidden")
        return found(self._context.state.clusters.get(identity))

    async def _seen(self, request: web.Request, cluster: Cluster) -> View:
        """The cluster as it is now: looks whether its agent is there."""
        connected = not cluster.removed and await self._context.agent_ready(cluster.registration)
        if connected and not cluster.joined:
            cluster.joined = True
            self._context.state.save()
        return self._context.views(request).cluster(cluster, connected=connected)

    def _forget_removed(self) -> None:
        gone = [
            c.id
            for c in self._context.state.clusters.values()
            if c.removed and self._context.now >= c.removed + REMOVING
        ]
        for identity in gone:
            del self._context.state.clusters[identity]
        if gone:
            self._context.state.save()

    async def _registrations(self, request: web.Request) -> web.Response:
        views = self._context.views(request)
        data = [views.registration(cluster) for cluster in self._context.state.clusters.values()]
        return web.json_response(views.collection(REGISTRATION, data, request.query))

    async def _create_registration(self, request: web.Request) -> web.Response:
        cluster = found(self._context.state.clusters.get(str((await body_of(request)).get("clusterId"))))
        raise ApiError(409, "AlreadyExists", f"clusterregistrationtoken {cluster.id}:default-token already exists")

    async def _registration(self, request: web.Request) -> web.Response:
        identity, _, name = request.match_info["id"].partition(":")
        cluster = found(self._context.state.clusters.get(identity) if name == "default-token" else None)
        return web.json_response(self._context.views(request).registration(cluster))

    async def _projects(self, request: web.Request) -> web.Response:
        views = self._context.views(request)
        return web.json_response(views.collection(PROJECT, views.projects(), request.query))

    async def _project(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        projects = self._context.views(request).projects()
        return web.json_response(found(next((view for view in projects if view["id"] == wanted), None)))

    async def _nodes(self, request: web.Request) -> web.Response:
        """None: without an agent of its own, the stand-in knows no cluster's nodes."""
        return web.json_response(self._context.views(request).collection(NODE, [], request.query))

    async def _import(self, request: web.Request) -> web.Response:
        registration, _, identity = request.match_info["name"].partition("_")
        cluster = self._context.state.clusters.get(identity)
        if cluster is None or not secrets.compare_digest(cluster.registration, registration):
            raise ApiError(404, "NotFound", "no cluster has that registration token")
        text = agent_manifest(
            self._context.views(request).server(), registration, identity, self._context.state.setting("cacerts")
        )
        return web.Response(text=text, content_type="text/yaml")

    async def _version(self, request: web.Request) -> web.Response:
        """With it the official provider tells whether a kubeconfig that it has still works."""
        cluster = self._known(request)
        if not await self._context.agent_ready(cluster.registration):
            raise ApiError(503, "ClusterUnavailable", f"cluster {cluster.id} is not connected")
        return web.json_response({"major": "1", "minor": "36", "gitVersion": "v1.36.1"})

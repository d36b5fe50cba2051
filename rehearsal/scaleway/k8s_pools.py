"""Kubernetes v1: pools of clusters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from rehearsal.scaleway.api_errors import transient_state
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.k8s_nodes import Nodes, as_backend
from rehearsal.scaleway.k8s_pool_fields import LARGEST_POOL, fit_size, taints_of, upgrade_policy
from rehearsal.scaleway.offers import GB, SERVER_TYPES
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.public_gateways import leads_out
from rehearsal.scaleway.records import Record, fixed_id, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

_OF_CLUSTER = "/k8s/v1/regions/{region}/clusters/{cluster}"
_POOLS = "/k8s/v1/regions/{region}/pools"
VOLUME_TYPES = ("default_volume_type", "l_ssd", "sbs_5k", "sbs_15k")
REFUSED_TYPES = ("DEV1-S", "PLAY2-PICO", "STARDUST1-S")
"""Too small for a node."""
SMALLEST_VOLUME = 20 * GB
READY_LIMIT = 300
"""Seconds that a pool's nodes have to become ready; then the pool is in the state warning."""
HEALTHY = {"DiskPressure": "False", "MemoryPressure": "False", "PIDPressure": "False", "Ready": "True"}


class Pools:
    """Pools: scaling until the nodes that they should have are ready; warning when that failed."""

    def __init__(self, context: Context, nodes: Nodes) -> None:
        self._context = context
        self._store = context.store
        self._nodes = nodes

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_OF_CLUSTER + "/pools", self._list),
            web.post(_OF_CLUSTER + "/pools", self._create),
            web.get(_POOLS + "/{id}", self._get),
            web.patch(_POOLS + "/{id}", self._update),
            web.delete(_POOLS + "/{id}", self._delete),
            web.post(_POOLS + "/{id}/upgrade", self._upgrade),
            web.put(_POOLS + "/{id}/set-labels", self._set_labels),
            web.put(_POOLS + "/{id}/set-taints", self._set_taints),
            web.put(_POOLS + "/{id}/set-startup-taints", self._set_startup_taints),
        ]

    def add(self, cluster: Record, body: RequestBody) -> Record:
        """A new pool, and its nodes as soon as the control plane is there. Raises ApiError (400)."""
        kind = body.text("node_type").replace("_", "-").upper()
        if kind and (kind not in SERVER_TYPES or kind in REFUSED_TYPES):
            body.refuse("node_type", f"{kind} is not a type that nodes can have")
        zone = body.text("zone", f"{cluster['region']}-1")
        autoscaling = body.flag("autoscaling")
        size = body.integer("size", 1, 0, LARGEST_POOL)
        smallest = body.integer("min_size", min(size, 1), 0, LARGEST_POOL)
        largest = body.integer("max_size", size, 0, LARGEST_POOL)
        group_id = body.maybe_text("security_group_id")
        volume_type = body.choice("root_volume_type", VOLUME_TYPES, VOLUME_TYPES[0])
        local = SERVER_TYPES[kind].local_storage * GB if kind in SERVER_TYPES else 0
        if volume_type == VOLUME_TYPES[0]:
            volume_type = "l_ssd" if local else "sbs_5k"
        smallest_volume = local if volume_type == "l_ssd" and local else SMALLEST_VOLUME
        pool: Record = {
            "region": cluster["region"],
            "id": new_id(),
            "cluster_id": cluster["id"],
            "created_at": now(),
            "updated_at": now(),
            "name": body.text("name"),
            "status": "scaling",
            "version": cluster["version"],
            "node_type": kind.replace("-", "_").lower(),
            "autoscaling": autoscaling,
            "size": size,
            "min_size": smallest,
            "max_size": largest,
            "container_runtime": body.choice("container_runtime", ("containerd",), "containerd"),
            "autohealing": body.flag("autohealing"),
            "tags": body.texts("tags"),
            "placement_group_id": body.maybe_text("placement_group_id"),
            "kubelet_args": body.object("kubelet_args"),
            "upgrade_policy": upgrade_policy({"max_unavailable": 1, "max_surge": 0}, body),
            "zone": zone,
            "root_volume_type": volume_type,
            "root_volume_size": body.integer("root_volume_size", smallest_volume, SMALLEST_VOLUME),
            "public_ip_disabled": body.flag("public_ip_disabled"),
            "security_group_id": group_id or fixed_id("kapsule", cluster["project_id"], zone),
            "labels": body.object("labels"),
            "taints": taints_of(body, "taints"),
            "startup_taints": taints_of(body, "startup_taints"),
        }
        fit_size(pool, body)
        if any(other["name"] == pool["name"] for other in self._store.pools.where(cluster_id=cluster["id"])):
            # As in https://github.com/scaleway/terraform-provider-scaleway/issues/1037.
            body.refuse("name", "pool name must be unique across the cluster")
        body.check()
        if group_id:
            self._store.security_groups.get(group_id, zone=zone)
        self._store.pools.add(pool)
        self._scale(pool)
        return pool

    def upgrade(self, cluster: Record) -> None:
        """Give every pool the version of its cluster."""
        for pool in self._store.pools.where(cluster_id=cluster["id"]):
            self._set_version(pool, cluster["version"])

    def resume(self, cluster: Record) -> None:
        """Take up what was going on in a cluster's pools when the API ended."""
        for pool in self._store.pools.where(cluster_id=cluster["id"]):
            if pool["status"] == "deleting":
                self._remove_in_background(pool)
            else:
                self._scale(pool)

    def forget_all(self, cluster: Record) -> None:
        """Remove the pools and nodes of a removed cluster from the store."""
        for pool in self._store.pools.where(cluster_id=cluster["id"]):
            self._forget(pool)

    async def _list(self, request: web.Request) -> web.Response:
        cluster = self._cluster(request)
        query = request.query
        pools = [
            public(pool)
            for pool in self._store.pools.where(cluster_id=cluster["id"])
            if query.get("name", pool["name"]) == pool["name"] and query.get("status", "unknown") == "unknown"
        ]
        return listing(request, "pools", pools)

    async def _create(self, request: web.Request) -> web.Response:
        cluster = self._cluster(request)
        if cluster["status"] == "deleting":
            raise transient_state("cluster", cluster["id"], "deleting")
        return web.json_response(public(self.add(cluster, await RequestBody.of(request))))

    async def _get(self, request: web.Request) -> web.Response:
        pool = self._find(request)
        if pool["status"] in ("scaling", "upgrading", "deleting"):
            await self._context.jobs.settled(pool["id"], self._context.long_poll_seconds)
        return web.json_response(public(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        pool = self._found_alive(request)
        body = await RequestBody.of(request)
        draft: Record = {
            **pool,
            "autoscaling": body.flag("autoscaling", pool["autoscaling"]),
            "autohealing": body.flag("autohealing", pool["autohealing"]),
            "size": body.integer("size", pool["size"], 0, LARGEST_POOL),
            "min_size": body.integer("min_size", pool["min_size"], 0, LARGEST_POOL),
            "max_size": body.integer("max_size", pool["max_size"], 0, LARGEST_POOL),
            "tags": body.texts("tags") if "tags" in body else pool["tags"],
            "kubelet_args": body.object("kubelet_args") if "kubelet_args" in body else pool["kubelet_args"],
            "upgrade_policy": upgrade_policy(pool["upgrade_policy"], body),
            "security_group_id": body.text("security_group_id", pool["security_group_id"]),
        }
        fit_size(draft, body)
        body.check()
        pool.update(draft)
        return self._answer_scaling(pool)

    async def _delete(self, request: web.Request) -> web.Response:
        pool = self._find(request)
        if pool["status"] != "deleting":
            self._move(pool, "deleting")
            self._remove_in_background(pool)
        return web.json_response(public(pool))

    async def _upgrade(self, request: web.Request) -> web.Response:
        pool = self._found_alive(request)
        body = await RequestBody.of(request)
        version = body.text("version")
        cluster = self._store.clusters.get(pool["cluster_id"])
        if version and version != cluster["version"]:
            body.refuse("version", f"a pool can only be upgraded to its cluster's version, {cluster['version']}")
        body.check()
        self._set_version(pool, version)
        return web.json_response(public(pool))

    async def _set_labels(self, request: web.Request) -> web.Response:
        pool, body = self._found_alive(request), await RequestBody.of(request)
        labels = body.object("labels")
        body.check()
        pool["labels"] = labels
        return self._answer_scaling(pool)

    async def _set_taints(self, request: web.Request) -> web.Response:
        return await self._set_any_taints(request, "taints")

    async def _set_startup_taints(self, request: web.Request) -> web.Response:
        return await self._set_any_taints(request, "startup_taints")

    async def _set_any_taints(self, request: web.Request, kind: str) -> web.Response:
        pool, body = self._found_alive(request), await RequestBody.of(request)
        taints = taints_of(body, kind)
        body.check()
        pool[kind] = taints
        return self._answer_scaling(pool)

    def _cluster(self, request: web.Request) -> Record:
        return self._store.clusters.get(request.match_info["cluster"], region=request.match_info["region"])

    def _find(self, request: web.Request) -> Record:
        return self._store.pools.get(request.match_info["id"], region=request.match_info["region"])

    def _found_alive(self, request: web.Request) -> Record:
        pool = self._find(request)
        if pool["status"] == "deleting":
            raise transient_state("pool", pool["id"], "deleting")
        return pool

    def _answer_scaling(self, pool: Record) -> web.Response:
        self._scale(pool)
        return web.json_response(public(pool))

    def _set_version(self, pool: Record, version: str) -> None:
        pool["version"] = version
        self._scale(pool)

    def _move(self, pool: Record, status: str) -> None:
        pool.update(status=status, updated_at=now())
        self._store.save()

    def _scale(self, pool: Record) -> None:
        """Let a pool get the nodes that it should have, in the background."""
        self._move(pool, "scaling")
        self._work(pool, "scaling pool", lambda: self._reach_size(pool))

    async def _reach_size(self, pool: Record) -> None:
        # The control plane comes up in the background too.
        await self._context.jobs.settled(pool["cluster_id"], READY_LIMIT)
        cluster = self._store.clusters.find(pool["cluster_id"])
        while cluster and not self._can_start(cluster, pool) and pool["status"] == "scaling":
            await asyncio.sleep(0.3)
            cluster = self._store.clusters.find(pool["cluster_id"])
        if cluster is None or pool["status"] != "scaling":
            return
        nodes = self._nodes.resize(cluster, pool)
        await self._context.clusters.set_nodes(
            pool["cluster_id"], pool["id"], [as_backend(pool, node) for node in nodes]
        )
        async with asyncio.timeout(READY_LIMIT):
            while not {node["name"] for node in nodes} <= set(await self._ready(pool)):
                await asyncio.sleep(0.3)
        for node in nodes:
            node.update(status="ready", conditions=dict(HEALTHY), updated_at=now())
        if pool["status"] == "scaling":
            self._move(pool, "ready")

    def _can_start(self, cluster: Record, pool: Record) -> bool:
        """Whether nodes are in stock, and have a route to the control plane: a public IP or a public gateway."""
        has_route = not pool["public_ip_disabled"] or leads_out(self._store, cluster["private_network_id"])
        return has_route and not self._context.shortage.nodes

    async def _ready(self, pool: Record) -> list[str]:
        return list(await self._context.clusters.ready_nodes(pool["cluster_id"], pool["id"]))

    def _remove_in_background(self, pool: Record) -> None:
        async def work() -> None:
            cluster = self._store.clusters.find(pool["cluster_id"])
            if cluster and cluster["status"] != "deleting":
                await self._context.clusters.set_nodes(pool["cluster_id"], pool["id"], [])
            self._forget(pool)
            self._store.save()

        self._work(pool, "deleting pool", work)

    def _forget(self, pool: Record) -> None:
        for node in self._store.nodes.where(pool_id=pool["id"]):
            self._nodes.remove(node)
        self._store.pools.remove(pool["id"])

    def _work(self, pool: Record, what: str, job: Callable[[], Awaitable[None]]) -> None:
        self._context.jobs.start(pool["id"], what, job, lambda _: self._move(pool, "warning"))

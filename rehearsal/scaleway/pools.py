"""Kubernetes v1: the pools of a cluster and their nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from rehearsal.scaleway.backends import Node
from rehearsal.scaleway.catalogue import GB, SERVER_TYPES
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.errors import transient_state
from rehearsal.scaleway.fields import Fields
from rehearsal.scaleway.gateways import leads_out
from rehearsal.scaleway.ipam import Ipam
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, fixed_id, mac_address, new_id, now, public

_OF_CLUSTER = "/k8s/v1/regions/{region}/clusters/{cluster}"
_POOLS = "/k8s/v1/regions/{region}/pools"
_NODES = "/k8s/v1/regions/{region}/nodes"
VOLUME_TYPES = ("default_volume_type", "l_ssd", "sbs_5k", "sbs_15k")
REFUSED_TYPES = ("DEV1-S", "PLAY2-PICO", "STARDUST1-S")
"""Too small for a node."""
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
SMALLEST_VOLUME = 20 * GB
LARGEST_POOL = 150
READY_LIMIT = 300
"""Seconds that a pool's nodes have to become ready; then the pool is in the state warning."""
HEALTHY = {"DiskPressure": "False", "MemoryPressure": "False", "PIDPressure": "False", "Ready": "True"}


class Pools:
    """Pools: scaling until the nodes that they should have are ready; warning when that failed."""

    def __init__(self, context: Context, ipam: Ipam) -> None:
        self._context = context
        self._store = context.store
        self._ipam = ipam

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_OF_CLUSTER + "/pools", self._list),
            web.post(_OF_CLUSTER + "/pools", self._create),
            web.get(_OF_CLUSTER + "/nodes", self._list_nodes),
            web.get(_POOLS + "/{id}", self._get),
            web.patch(_POOLS + "/{id}", self._update),
            web.delete(_POOLS + "/{id}", self._delete),
            web.post(_POOLS + "/{id}/upgrade", self._upgrade),
            web.put(_POOLS + "/{id}/set-labels", self._set_labels),
            web.put(_POOLS + "/{id}/set-taints", self._set_taints),
            web.put(_POOLS + "/{id}/set-startup-taints", self._set_startup_taints),
            web.get(_NODES + "/{id}", self._get_node),
        ]

    def add(self, cluster: Record, fields: Fields) -> Record:
        """A new pool, and its nodes as soon as the control plane is there. Raises ApiError (400)."""
        kind = fields.text("node_type").replace("_", "-").upper()
        if kind and (kind not in SERVER_TYPES or kind in REFUSED_TYPES):
            fields.refuse("node_type", f"{kind} is not a type that nodes can have")
        zone = fields.text("zone", f"{cluster['region']}-1")
        autoscaling = fields.flag("autoscaling")
        size = fields.integer("size", 1, 0, LARGEST_POOL)
        smallest = fields.integer("min_size", min(size, 1), 0, LARGEST_POOL)
        largest = fields.integer("max_size", size, 0, LARGEST_POOL)
        group_id = fields.maybe_text("security_group_id")
        volume_type = fields.choice("root_volume_type", VOLUME_TYPES, VOLUME_TYPES[0])
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
            "name": fields.text("name"),
            "status": "scaling",
            "version": cluster["version"],
            "node_type": kind.replace("-", "_").lower(),
            "autoscaling": autoscaling,
            "size": size,
            "min_size": smallest,
            "max_size": largest,
            "container_runtime": fields.choice("container_runtime", ("containerd",), "containerd"),
            "autohealing": fields.flag("autohealing"),
            "tags": fields.texts("tags"),
            "placement_group_id": fields.maybe_text("placement_group_id"),
            "kubelet_args": fields.object("kubelet_args"),
            "upgrade_policy": _upgrade_policy({"max_unavailable": 1, "max_surge": 0}, fields),
            "zone": zone,
            "root_volume_type": volume_type,
            "root_volume_size": fields.integer("root_volume_size", smallest_volume, SMALLEST_VOLUME),
            "public_ip_disabled": fields.flag("public_ip_disabled"),
            "security_group_id": group_id or fixed_id("kapsule", cluster["project_id"], zone),
            "labels": fields.object("labels"),
            "taints": _taints(fields, "taints"),
            "startup_taints": _taints(fields, "startup_taints"),
        }
        _fit(pool, fields)
        fields.check()
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
        """Take a removed cluster's pools and nodes out of the books."""
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
        return web.json_response(public(self.add(cluster, await Fields.of(request))))

    async def _get(self, request: web.Request) -> web.Response:
        pool = self._find(request)
        if pool["status"] in ("scaling", "upgrading", "deleting"):
            await self._context.work.settled(pool["id"], self._context.patience)
        return web.json_response(public(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        pool = self._found_alive(request)
        fields = await Fields.of(request)
        draft: Record = {
            **pool,
            "autoscaling": fields.flag("autoscaling", pool["autoscaling"]),
            "autohealing": fields.flag("autohealing", pool["autohealing"]),
            "size": fields.integer("size", pool["size"], 0, LARGEST_POOL),
            "min_size": fields.integer("min_size", pool["min_size"], 0, LARGEST_POOL),
            "max_size": fields.integer("max_size", pool["max_size"], 0, LARGEST_POOL),
            "tags": fields.texts("tags") if "tags" in fields else pool["tags"],
            "kubelet_args": fields.object("kubelet_args") if "kubelet_args" in fields else pool["kubelet_args"],
            "upgrade_policy": _upgrade_policy(pool["upgrade_policy"], fields),
            "security_group_id": fields.text("security_group_id", pool["security_group_id"]),
        }
        _fit(draft, fields)
        fields.check()
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
        fields = await Fields.of(request)
        version = fields.text("version")
        cluster = self._store.clusters.get(pool["cluster_id"])
        if version and version != cluster["version"]:
            fields.refuse("version", f"a pool can only be upgraded to its cluster's version, {cluster['version']}")
        fields.check()
        self._set_version(pool, version)
        return web.json_response(public(pool))

    async def _set_labels(self, request: web.Request) -> web.Response:
        pool, fields = self._found_alive(request), await Fields.of(request)
        labels = fields.object("labels")
        fields.check()
        pool["labels"] = labels
        return self._answer_scaling(pool)

    async def _set_taints(self, request: web.Request) -> web.Response:
        return await self._set_any_taints(request, "taints")

    async def _set_startup_taints(self, request: web.Request) -> web.Response:
        return await self._set_any_taints(request, "startup_taints")

    async def _set_any_taints(self, request: web.Request, kind: str) -> web.Response:
        pool, fields = self._found_alive(request), await Fields.of(request)
        taints = _taints(fields, kind)
        fields.check()
        pool[kind] = taints
        return self._answer_scaling(pool)

    async def _list_nodes(self, request: web.Request) -> web.Response:
        cluster = self._cluster(request)
        pool_id = request.query.get("pool_id")
        nodes = [
            public(node)
            for node in self._store.nodes.where(cluster_id=cluster["id"])
            if pool_id in (None, node["pool_id"])
        ]
        return listing(request, "nodes", nodes)

    async def _get_node(self, request: web.Request) -> web.Response:
        node = self._store.nodes.get(request.match_info["id"], region=request.match_info["region"])
        return web.json_response(public(node))

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
        await self._context.work.settled(pool["cluster_id"], READY_LIMIT)
        cluster = self._store.clusters.find(pool["cluster_id"])
        while cluster and not self._can_start(cluster, pool) and pool["status"] == "scaling":
            await asyncio.sleep(0.3)
            cluster = self._store.clusters.find(pool["cluster_id"])
        if cluster is None or pool["status"] != "scaling":
            return
        nodes = self._wanted_nodes(cluster, pool)
        await self._context.clusters.set_nodes(pool["cluster_id"], pool["id"], [_behind(pool, node) for node in nodes])
        async with asyncio.timeout(READY_LIMIT):
            while not {node["name"] for node in nodes} <= set(await self._ready(pool)):
                await asyncio.sleep(0.3)
        for node in nodes:
            node.update(status="ready", conditions=dict(HEALTHY), updated_at=now())
        if pool["status"] == "scaling":
            self._move(pool, "ready")

    def _can_start(self, cluster: Record, pool: Record) -> bool:
        """Whether new nodes of a pool are to be had, and reach the control plane from where they are."""
        way_out = not pool["public_ip_disabled"] or leads_out(self._store, cluster["private_network_id"])
        return way_out and not self._context.shortage.nodes

    async def _ready(self, pool: Record) -> list[str]:
        return list(await self._context.clusters.ready_nodes(pool["cluster_id"], pool["id"]))

    def _wanted_nodes(self, cluster: Record, pool: Record) -> list[Record]:
        """The nodes that a pool should have; the newest go first."""
        nodes = self._store.nodes.where(pool_id=pool["id"])
        for node in nodes[pool["size"] :]:
            self._forget_node(node)
        made = [self._new_node(cluster, pool) for _ in range(pool["size"] - len(nodes))]
        self._store.save()
        return nodes[: pool["size"]] + made

    def _new_node(self, cluster: Record, pool: Record) -> Record:
        identity = new_id()
        name = _node_name(cluster["name"], pool["name"], identity)
        node = self._store.nodes.add(
            {
                "region": pool["region"],
                "id": identity,
                "cluster_id": cluster["id"],
                "created_at": now(),
                "updated_at": now(),
                "pool_id": pool["id"],
                "status": "creating",
                "conditions": {"Creating": "True", "Ready": "False"},
                "name": name,
                "public_ip_v4": None,
                "public_ip_v6": None,
                "provider_id": f"scaleway://instance/{pool['zone']}/{identity}",
                "error_message": "",
            }
        )
        network = self._store.private_networks.get(cluster["private_network_id"])
        mac = mac_address("02:00:00", identity)
        resource = {"type": "instance_private_nic", "id": identity, "mac_address": mac, "name": name}
        self._ipam.attach(network, resource)
        return node

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
            self._forget_node(node)
        self._store.pools.remove(pool["id"])

    def _forget_node(self, node: Record) -> None:
        self._ipam.detach(node["id"])
        self._store.nodes.remove(node["id"])

    def _work(self, pool: Record, what: str, job: Callable[[], Awaitable[None]]) -> None:
        self._context.work.start(pool["id"], what, job, lambda _: self._move(pool, "warning"))


def _node_name(cluster: str, pool: str, identity: str) -> str:
    """scw-<cluster>-<pool>-<part of the id>, at most 46 characters, as Scaleway names nodes."""
    return f"scw-{cluster[:17]}-{pool[:17]}-{identity.replace('-', '')}"[:46]


def _behind(pool: Record, node: Record) -> Node:
    zone, kind = pool["zone"], pool["node_type"].replace("_", "-").upper()
    own = {
        "k8s.scaleway.com/node": node["id"],
        "k8s.scaleway.com/pool": pool["id"],
        "k8s.scaleway.com/pool-name": pool["name"],
        "node.kubernetes.io/instance-type": kind,
        "topology.kubernetes.io/region": pool["region"],
        "topology.kubernetes.io/zone": zone,
    }
    # Start-up taints are gone once a node is ready, so the machines behind never see them.
    return Node(name=node["name"], node_type=kind, labels={**own, **pool["labels"]}, taints=tuple(pool["taints"]))


def _fit(pool: Record, fields: Fields) -> None:
    """Keep an autoscaled pool within its bounds."""
    if pool["autoscaling"]:
        if pool["min_size"] > pool["max_size"]:
            fields.refuse("min_size", "min_size must not be greater than max_size")
        pool["size"] = max(pool["min_size"], min(pool["size"], pool["max_size"]))


def _upgrade_policy(current: Record, fields: Fields) -> Record:
    sent = Fields(fields.object("upgrade_policy"))
    policy = {name: sent.integer(name, value, 0, LARGEST_POOL) for name, value in current.items()}
    sent.check()
    return policy


def _taints(fields: Fields, name: str) -> list[Record]:
    taints: list[Record] = []
    for sent in fields.objects(name):
        taint = Fields(sent)
        taints.append(
            {
                "key": taint.text("key"),
                "value": taint.text("value", ""),
                "effect": taint.choice("effect", EFFECTS, EFFECTS[0]),
            }
        )
        taint.check()
    return sorted(taints, key=lambda taint: str(taint["key"]))

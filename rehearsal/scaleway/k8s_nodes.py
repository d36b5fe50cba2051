"""Kubernetes v1: nodes of pools."""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.backends import Node
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.ipam import Ipam
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, mac_address, new_id, now, public


class Nodes:
    """Nodes, each with an address in the private network of its cluster."""

    def __init__(self, context: Context, ipam: Ipam) -> None:
        self._store = context.store
        self._ipam = ipam

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/k8s/v1/regions/{region}/clusters/{cluster}/nodes", self._list),
            web.get("/k8s/v1/regions/{region}/nodes/{id}", self._get),
        ]

    def resize(self, cluster: Record, pool: Record) -> list[Record]:
        """Nodes of a pool after scaling to its size; the newest are removed first."""
        nodes = self._store.nodes.where(pool_id=pool["id"])
        for node in nodes[pool["size"] :]:
            self.remove(node)
        made = [self._new(cluster, pool) for _ in range(pool["size"] - len(nodes))]
        self._store.save()
        return nodes[: pool["size"]] + made

    def remove(self, node: Record) -> None:
        """Remove a node and its addresses from the store."""
        self._ipam.detach(node["id"])
        self._store.nodes.remove(node["id"])

    async def _list(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        cluster = self._store.clusters.get(request.match_info["cluster"], region=region)
        pool_id = request.query.get("pool_id")
        nodes = [
            public(node)
            for node in self._store.nodes.where(cluster_id=cluster["id"])
            if pool_id in (None, node["pool_id"])
        ]
        return listing(request, "nodes", nodes)

    async def _get(self, request: web.Request) -> web.Response:
        node = self._store.nodes.get(request.match_info["id"], region=request.match_info["region"])
        return web.json_response(public(node))

    def _new(self, cluster: Record, pool: Record) -> Record:
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


def as_backend(pool: Record, node: Record) -> Node:
    """Node as the clusters behind the API get it."""
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


def _node_name(cluster: str, pool: str, identity: str) -> str:
    """scw-<cluster>-<pool>-<part of the id>, at most 46 characters, as Scaleway names nodes."""
    return f"scw-{cluster[:17]}-{pool[:17]}-{identity.replace('-', '')}"[:46]

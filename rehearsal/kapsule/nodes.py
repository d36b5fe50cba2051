"""The nodes of a pool, as Kubernetes objects that KWOK keeps alive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rehearsal.kapsule.kube import Kube, KubeError, Object
from rehearsal.scaleway.backends import Node

POOL = "k8s.scaleway.com/pool"
"""Label that Kapsule gives to each node: the id of its pool."""

_SIZES: Mapping[str, tuple[str, str]] = {
    "PLAY2-NANO": ("2", "8Gi"),
    "PLAY2-MICRO": ("4", "16Gi"),
    "PRO2-XXS": ("2", "8Gi"),
    "PRO2-XS": ("4", "16Gi"),
    "PRO2-S": ("8", "32Gi"),
}
"""Node type to (vCPU, memory), as https://www.scaleway.com/en/pricing/virtual-instances/ has them."""
_DEFAULT_SIZE = ("4", "16Gi")
"""What a type that is not listed above counts as."""
_PODS = "110"


async def set_nodes(kube: Kube, pool: str, nodes: Sequence[Node]) -> None:
    """Make a pool have exactly these nodes."""
    present = {item["metadata"]["name"] for item in await _nodes_of(kube, pool)}
    wanted = {node.name for node in nodes}
    for name in sorted(present - wanted):
        await kube.delete(f"/api/v1/nodes/{name}")
    for node in nodes:
        if node.name not in present:
            await _create(kube, pool, node)


async def ready_nodes(kube: Kube, pool: str) -> Sequence[str]:
    """Names of a pool's nodes whose Ready condition is true."""
    return [item["metadata"]["name"] for item in await _nodes_of(kube, pool) if _is_ready(item)]


async def _nodes_of(kube: Kube, pool: str) -> list[Object]:
    listed = await kube.call("GET", f"/api/v1/nodes?labelSelector={POOL}={pool}")
    return listed["items"]


async def _create(kube: Kube, pool: str, node: Node) -> None:
    cpu, memory = _SIZES.get(node.node_type, _DEFAULT_SIZE)
    resources = {"cpu": cpu, "memory": memory, "pods": _PODS, "ephemeral-storage": "20Gi"}
    labels = {
        POOL: pool,
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": node.node_type,
        **node.labels,
    }
    body: Object = {
        "metadata": {"name": node.name, "labels": labels},
        "spec": {"taints": [dict(taint) for taint in node.taints]},
    }
    try:
        await kube.call("POST", "/api/v1/nodes", body)
    except KubeError as error:
        if error.status != 409:
            raise
    await kube.merge(f"/api/v1/nodes/{node.name}/status", {"status": {"allocatable": resources, "capacity": resources}})


def _is_ready(node: Object) -> bool:
    conditions: list[Object] = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

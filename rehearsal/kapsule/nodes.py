"""Nodes of a pool, as Kubernetes objects: KWOK keeps the simulated ones alive, a kubelet the one that runs pods."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from rehearsal.kapsule.kube import Kube, Object
from rehearsal.scaleway.backends import Node

POOL = "k8s.scaleway.com/pool"
"""Label that Kapsule gives to each node: the id of its pool."""
SIMULATED = "kwok.x-k8s.io/node"
"""Label and taint, as KWOK calls them, of the nodes that KWOK keeps alive."""
_SUFFIX = "-simulated"
"""End of the name of a simulated node of a board that has a node whose pods run."""

_SIZES: Mapping[str, tuple[int, int]] = {
    "DEV1-M": (3, 4),
    "DEV1-L": (4, 8),
    "DEV1-XL": (4, 12),
    "GP1-XS": (4, 16),
    "GP1-S": (8, 32),
    "PLAY2-NANO": (2, 4),
    "PLAY2-MICRO": (4, 8),
    "PRO2-XXS": (2, 8),
    "PRO2-XS": (4, 16),
    "PRO2-S": (8, 32),
    "PRO2-M": (16, 64),
}
"""Node type to (vCPU, memory in GiB), as https://www.scaleway.com/en/pricing/virtual-instances/ has them."""
_DEFAULT_SIZE = (4, 16)
"""What a type that is not listed above counts as."""
_PODS = 110
"""Kubernetes' own limit of pods on a node."""
_DISK = "20Gi"
_KEPT_CPU_MILLI = 100
_KEPT_MEMORY_SHARE = 0.1
"""What the system keeps of a node for itself; an assumption, for Scaleway publishes no figure."""


async def set_nodes(kube: Kube, pool: str, nodes: Sequence[Node], *, real: str | None, tainted: bool) -> None:
    """Make a pool have exactly these nodes, with these labels and taints.

    real: name of the node that a kubelet keeps alive; all others are simulated.
    tainted: whether pods stay away from simulated nodes, which then say in their names that they are.
    The pods of a node that goes are deleted with it, as by Kapsule's drain; their controllers make new ones.
    """
    wanted = {node.name if node.name == real or not tainted else f"{node.name}{_SUFFIX}": node for node in nodes}
    present = {item["metadata"]["name"] for item in await _nodes_of(kube, pool)}
    for name in sorted(present - set(wanted)):
        await kube.delete(f"/api/v1/nodes/{name}")
        await _delete_pods(kube, name)
    version = (await kube.call("GET", "/version"))["gitVersion"]
    await asyncio.gather(
        *(
            _apply(kube, pool, name, node, version, simulated=name != real, tainted=tainted)
            for name, node in wanted.items()
        )
    )


async def ready_nodes(kube: Kube, pool: str) -> Sequence[str]:
    """Names of a pool's nodes whose Ready condition is true, as Scaleway calls them."""
    return [item["metadata"]["name"].removesuffix(_SUFFIX) for item in await _nodes_of(kube, pool) if _is_ready(item)]


async def _nodes_of(kube: Kube, pool: str) -> list[Object]:
    return await kube.items(f"/api/v1/nodes?labelSelector={quote(f'{POOL}={pool}')}")


async def _delete_pods(kube: Kube, node: str) -> None:
    for pod in await kube.items(f"/api/v1/pods?fieldSelector={quote(f'spec.nodeName={node}')}"):
        meta = pod["metadata"]
        await kube.delete(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}?gracePeriodSeconds=0")


async def _apply(kube: Kube, pool: str, name: str, node: Node, version: str, *, simulated: bool, tainted: bool) -> None:
    path = f"/api/v1/nodes/{quote(name)}"
    labels = {
        "k8s.scaleway.com/pool-name": pool,
        "topology.kubernetes.io/region": "fr-par",
        "topology.kubernetes.io/zone": "fr-par-1",
        "node.kubernetes.io/instance-type": node.node_type,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        # What the caller knows better, it says.
        **node.labels,
        POOL: pool,
        **({SIMULATED: "fake"} if simulated else {}),
    }
    taints = [dict(taint) for taint in node.taints]
    if simulated and tainted:
        taints.append({"key": SIMULATED, "value": "fake", "effect": "NoSchedule"})
    # Left out when empty: Kubernetes puts taints of its own on a node that is not ready.
    spec: Object = {"taints": taints} if taints else {}
    if "k8s.scaleway.com/node" in labels:
        zone, identity = labels["topology.kubernetes.io/zone"], labels["k8s.scaleway.com/node"]
        spec["providerID"] = f"scaleway://instance/{zone}/{identity}"
    await kube.apply(
        path, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec}
    )
    if simulated:
        await kube.merge(f"{path}/status", {"status": _status(node.node_type, version)})


def _status(node_type: str, version: str) -> Object:
    cpu, memory = _SIZES.get(node_type, _DEFAULT_SIZE)
    capacity = {"cpu": str(cpu), "memory": f"{memory}Gi"}
    free = {
        "cpu": f"{cpu * 1000 - _KEPT_CPU_MILLI}m",
        "memory": f"{round(memory * 1024 * (1 - _KEPT_MEMORY_SHARE))}Mi",
    }
    always = {"pods": str(_PODS), "ephemeral-storage": _DISK}
    unknown = dict.fromkeys(("machineID", "systemUUID", "bootID", "kernelVersion"), "")
    return {
        "capacity": {**capacity, **always},
        "allocatable": {**free, **always},
        "nodeInfo": {
            **unknown,
            "osImage": "KWOK stand-in",
            "containerRuntimeVersion": "kwok://stand-in",
            "kubeletVersion": version,
            "kubeProxyVersion": version,
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }


def _is_ready(node: Object) -> bool:
    conditions: list[Object] = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

"""All control planes of one rehearsal, with the controllers that Scaleway would run beside them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from rehearsal.kapsule.load_balancers import LoadBalancerController
from rehearsal.kapsule.nodes import ready_nodes, set_nodes
from rehearsal.kapsule.plane import Plane
from rehearsal.kapsule.volumes import VolumeController
from rehearsal.processes import Processes
from rehearsal.run import Block, Run, RunError
from rehearsal.scaleway.backends import Cluster, LoadBalancers, Node


class ControlPlanes:
    """Runs Kapsule clusters; implements `rehearsal.scaleway.backends.Clusters`.

    programs: the folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok.
    """

    def __init__(self, run: Run, processes: Processes, programs: Path) -> None:
        self._run = run
        self._processes = processes
        self._programs = programs
        self._planes: dict[str, Plane] = {}
        self._controllers: dict[str, asyncio.Task[None]] = {}
        self._balancers: LoadBalancers | None = None
        self._claiming = asyncio.Lock()

    def use(self, balancers: LoadBalancers) -> None:
        """Who gives LoadBalancer Services their addresses; needed before the first cluster."""
        self._balancers = balancers

    async def create(self, cluster: Cluster) -> None:
        """Start a control plane, or go on with the one whose data is there."""
        if cluster.id in self._planes:
            return
        async with self._claiming:
            described = Plane.describe(self._folder(cluster.id), cluster, self._free_address())
        plane = Plane(self._folder(cluster.id), described, self._processes, self._programs)
        try:
            await plane.start()
        except BaseException:
            await plane.kube.close()
            raise
        self._planes[cluster.id] = plane
        self._controllers[cluster.id] = asyncio.create_task(self._control(plane))

    async def set_nodes(self, cluster: str, pool: str, nodes: Sequence[Node]) -> None:
        await set_nodes(self._plane(cluster).kube, pool, nodes)

    async def ready_nodes(self, cluster: str, pool: str) -> Sequence[str]:
        return await ready_nodes(self._plane(cluster).kube, pool)

    async def kubeconfig(self, cluster: str) -> str:
        return self._plane(cluster).kubeconfig()

    async def remove(self, cluster: str) -> None:
        """Stop a control plane and delete its data; nothing happens if it is gone."""
        controllers = self._controllers.pop(cluster, None)
        if controllers:
            controllers.cancel()
            await asyncio.gather(controllers, return_exceptions=True)
        plane = self._planes.pop(cluster, None)
        if plane:
            await plane.remove()

    async def close(self) -> None:
        """Let go of every cluster; their programs keep running."""
        for controllers in self._controllers.values():
            controllers.cancel()
        await asyncio.gather(*self._controllers.values(), return_exceptions=True)
        for plane in self._planes.values():
            await plane.kube.close()

    async def _control(self, plane: Plane) -> None:
        if self._balancers is None:
            raise RunError("ControlPlanes.use() must name who gives load balancers their addresses.")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(LoadBalancerController(plane.described.id, plane.kube, self._balancers).run())
            tasks.create_task(VolumeController(plane.kube).run())

    def _plane(self, cluster: str) -> Plane:
        if cluster not in self._planes:
            raise LookupError(f"there is no cluster {cluster}")
        return self._planes[cluster]

    def _folder(self, cluster: str) -> Path:
        return self._run.home / "kapsule" / cluster

    def _free_address(self) -> str:
        described = (self._run.home / "kapsule").glob("*/cluster.json")
        taken = {json.loads(file.read_text())["address"] for file in described}
        addresses = (self._run.address(Block.CONTROL_PLANES, number) for number in range(1, 255))
        free = next((address for address in addresses if address not in taken), None)
        if free is None:
            raise RunError("This rehearsal has no address left for another cluster; remove one first.")
        return free

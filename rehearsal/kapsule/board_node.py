"""The one node of a cluster whose pods run: chosen, started, started again when it dies, and removed.

All other nodes of the cluster are simulated.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rehearsal.images.catalogue import COREDNS
from rehearsal.images.image_registry import PORT as REGISTRY_PORT
from rehearsal.instances.docker import InstanceError
from rehearsal.kapsule.api_egress import ApiEgress
from rehearsal.kapsule.api_endpoints import lead_pods_to_api
from rehearsal.kapsule.cluster_objects import provide_cluster_objects
from rehearsal.kapsule.command_lines import API_PORT
from rehearsal.kapsule.control_plane import ControlPlane
from rehearsal.kapsule.controllers import Informer
from rehearsal.kapsule.kube import Object
from rehearsal.kapsule.kubeconfig import ClusterEntry
from rehearsal.kapsule.load_balancers import addresses, proxied
from rehearsal.kapsule.node_files import node_files, pod_range
from rehearsal.nodes import BoardNetwork, NodeContainer, NodePrograms, NodeSpec, Running, write_files
from rehearsal.nodes.board_network import Listener, Target
from rehearsal.nodes.container import rehearsal_addresses
from rehearsal.scaleway.backends import Node
from rehearsal.session import Block, Service, Session

VOLUMES = "/var/volumes-of-claims"
"""Folder of the node in which each claim has a folder of its own; it outlasts the node's crash."""
DNS_PORT = 53
_LOOK_AGAIN = 0.5
"""Seconds between two looks at whether the node lives and where load balancers lead."""
_RETRY = 5.0
"""Seconds until a node that could not be started is tried again."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Chosen:
    """What is kept on disk of the node."""

    name: str
    pool: str


class BoardNode:
    """The node of one cluster, and every way between this machine and the cluster's pods."""

    def __init__(self, session: Session, of: ControlPlane, programs: NodePrograms) -> None:
        self._of = of
        self._session = session
        self._container = NodeContainer(session, of.record.id, programs)
        self._network = BoardNetwork(session.label)
        # The first machine of a rehearsal is its game master, and the authority for the game's names.
        self._name_server = session.address(Block.INSTANCES, 1)
        self._registry = session.address(Block.SERVICES, Service.IMAGES)
        self._record = of.folder / "node.json"
        self._gateway = ""
        self._egress = ApiEgress(of.folder)
        self._running: Running | None = None
        self._starting = asyncio.Lock()

    @property
    def container(self) -> NodeContainer:
        """The node, as Docker knows it."""
        return self._container

    @property
    def name(self) -> str | None:
        """Name of the node, or None when no pool has one yet."""
        chosen = self._chosen()
        return chosen.name if chosen else None

    async def open(self) -> None:
        """Make the API reachable for pods, and go on with the node that a crash left behind."""
        self._gateway = await self._container.provide_network()
        await self._egress.open()
        await lead_pods_to_api(self._of.kube, self._gateway, API_PORT)
        await provide_cluster_objects(self._of.kube, self._of.record.service_cidr, COREDNS.full)
        await self._network.lead(self._ways([]))
        if self._chosen():
            await self.start()

    async def choose(self, pool: str, nodes: Sequence[Node]) -> str | None:
        """Name of the node of a pool that is to run pods; None where another pool has that node.

        The first node of the first pool is chosen, and stays chosen as long as the pool has it.
        """
        chosen = self._chosen()
        names = [node.name for node in nodes]
        if chosen and chosen.pool != pool:
            return None
        if chosen and chosen.name not in names:
            await self.remove_node()
            chosen = None
        if chosen is None and names:
            chosen = _Chosen(names[0], pool)
            # As a whole or not at all: a crash must not leave half of it.
            fresh = self._record.with_suffix(".fresh")
            fresh.write_text(json.dumps(asdict(chosen)))
            fresh.rename(self._record)
        return chosen.name if chosen else None

    async def start(self) -> None:
        """Start the chosen node unless it runs. Raises InstanceError or DockerError."""
        chosen = self._chosen()
        async with self._starting:
            if chosen is None or (self._running and self._running.alive):
                return
            try:
                self._running = await self._container.running()
            except InstanceError:
                self._running = await self._start_container(chosen.name)
            self._egress.node = self._running.process

    async def _start_container(self, name: str) -> Running:
        own = self._of.record
        pods = pod_range(own.pod_cidr)
        entry = ClusterEntry(own.name, f"https://{self._gateway}:{API_PORT}", self._of.certificates.authority)
        files = node_files(
            name,
            entry=entry,
            certificates=self._of.certificates,
            service_cidr=own.service_cidr,
            pods=pods,
            gateway=self._gateway,
            addresses=rehearsal_addresses(self._session),
        )
        folder = self._of.folder / "node"
        await write_files(folder, files)
        return await self._container.start(NodeSpec(own.id, name, pods, folder))

    async def keep(self, services: Informer) -> None:
        """Until cancelled: start the node again when it has died, and lead load balancers to its ports."""
        while True:
            await asyncio.sleep(_LOOK_AGAIN)
            try:
                if self._running and not self._running.alive:
                    _LOG.warning("The node %s has died; it is started again.", self.name)
                    await self.start()
                await self._network.lead(self._ways(services.objects), _proxied(services.objects))
            except (InstanceError, OSError):
                _LOG.exception("The node %s could not be served; the next try is in %.0f s.", self.name, _RETRY)
                await asyncio.sleep(_RETRY)

    async def make_volume(self, name: str) -> str:
        """Folder of the node for a volume of that name, made unless it is there."""
        folder = f"{VOLUMES}/{name}"
        await self._container.execute("mkdir", "--parents", folder)
        return folder

    async def delete_volume(self, name: str) -> None:
        """Delete a volume's folder with what is in there."""
        await self._container.execute("rm", "--recursive", "--force", f"{VOLUMES}/{name}")

    async def remove_node(self) -> None:
        """Remove the node, its pods and their data; nothing happens if there is none."""
        async with self._starting:
            self._running = self._egress.node = None
            self._record.unlink(missing_ok=True)
            await self._container.remove()

    async def close(self) -> None:
        """Let go of the node, which goes on without a way to its API."""
        await self._egress.close()
        await self._network.close()

    def _ways(self, services: Sequence[Object]) -> dict[Listener, Target]:
        ways: dict[Listener, Target] = {("TCP", self._gateway, API_PORT): (self._of.record.address, API_PORT)}
        for protocol in ("UDP", "TCP"):
            ways[protocol, self._gateway, DNS_PORT] = (self._name_server, DNS_PORT)
        ways["TCP", self._gateway, REGISTRY_PORT] = (self._registry, REGISTRY_PORT)
        running = self._running
        if running and running.alive:
            for service in services:
                ways.update(_ways_to(service, running.address))
        return ways

    def _chosen(self) -> _Chosen | None:
        return _Chosen(**json.loads(self._record.read_text())) if self._record.exists() else None


def _ways_to(service: Object, node: str) -> dict[Listener, Target]:
    """From each port of a Service's load balancer to its node port. UDP is left out, as Scaleway does."""
    spec: Object = service["spec"]
    ports: list[Object] = spec.get("ports", [])
    return {
        ("TCP", entry["ip"], port["port"]): (node, port["nodePort"])
        for entry in addresses(service)
        for port in ports
        if port.get("protocol", "TCP") == "TCP" and "nodePort" in port
    }


def _proxied(services: Sequence[Object]) -> set[Listener]:
    """Ports of load balancers that speak the proxy protocol to their Services."""
    return {
        ("TCP", entry["ip"], port["port"])
        for service in services
        for entry in addresses(service)
        for port in service["spec"].get("ports", [])
        if proxied(service, port["port"])
    }

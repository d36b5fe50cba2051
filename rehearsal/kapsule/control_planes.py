"""All control planes of one rehearsal, with the controllers that Scaleway would run beside them."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rehearsal.kapsule import control_plane
from rehearsal.kapsule.absent_images import AbsentImages, absent_images_file
from rehearsal.kapsule.board_node import BoardNode
from rehearsal.kapsule.certificate_signing import GROUP, CertificateController
from rehearsal.kapsule.cluster_record import ClusterRecord
from rehearsal.kapsule.command_lines import API_PORT, ETCD_PEER_PORT, ETCD_PORT
from rehearsal.kapsule.control_plane import ControlPlane
from rehearsal.kapsule.controllers import Informer, run_controllers
from rehearsal.kapsule.ingresses import IngressController
from rehearsal.kapsule.kube import UNREACHABLE, KubeError, Object
from rehearsal.kapsule.load_balancers import LoadBalancerController
from rehearsal.kapsule.nodes import ready_nodes, set_nodes
from rehearsal.kapsule.volumes import VolumeController
from rehearsal.nodes import NodeContainer, NodePrograms
from rehearsal.processes import Processes
from rehearsal.scaleway.backends import Cluster, LoadBalancers, Node
from rehearsal.session import Block, Session, SessionError

_LOG = logging.getLogger(__name__)


class ControlPlanes:
    """Runs Kapsule clusters; implements `rehearsal.scaleway.backends.Clusters`.

    programs: the folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok.
    nodes: what the one node of each cluster runs whose pods run; without, all nodes are simulated.
    """

    def __init__(
        self, session: Session, processes: Processes, programs: Path, nodes: NodePrograms | None = None
    ) -> None:
        self._session = session
        self._processes = processes
        self._programs = programs
        self._node_programs = nodes
        self._running: dict[str, ControlPlane] = {}
        self._nodes: dict[str, BoardNode] = {}
        self._controllers: dict[str, asyncio.Task[None]] = {}
        self._balancers: LoadBalancers | None = None
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def use(self, load_balancers: LoadBalancers) -> None:
        """Who gives LoadBalancer Services their addresses; needed before the first cluster."""
        self._balancers = load_balancers

    async def create(self, cluster: Cluster) -> None:
        """Start a control plane, or go on with the one whose data is there; returns once it takes pods.

        What the data on disk says of a cluster counts, not what is asked for now. Raises
        ProcessError, with the end of its log, when a program ended or was not ready in time.
        """
        if self._balancers is None:
            raise SessionError("ControlPlanes.use() must name who gives load balancers their addresses.")
        async with self._locks[cluster.id]:
            if cluster.id in self._running:
                return
            started = ControlPlane(
                self._folder(cluster.id),
                self._record_of(cluster),
                self._processes,
                self._programs,
                to_pods=self._node_programs is not None,
            )
            node = BoardNode(self._session, started, self._node_programs) if self._node_programs else None
            try:
                await started.start()
                if node:
                    await node.open()
            except BaseException:
                await started.kube.close()
                if node:
                    await node.close()
                await control_plane.stop(self._processes, cluster.id)
                raise
            self._running[cluster.id] = started
            if node:
                self._nodes[cluster.id] = node
            self._controllers[cluster.id] = asyncio.create_task(_control(started, self._balancers, node))

    async def set_nodes(self, cluster: str, pool: str, nodes: Sequence[Node]) -> None:
        """Make a pool (its id) have exactly these nodes; see `rehearsal.kapsule.nodes`."""
        kube, node = self._get(cluster).kube, self._nodes.get(cluster)
        real = await node.choose(pool, nodes) if node else None
        await set_nodes(kube, pool, nodes, real=real, tainted=node is not None)
        if node and real:
            await node.start()

    async def ready_nodes(self, cluster: str, pool: str) -> Sequence[str]:
        return await ready_nodes(self._get(cluster).kube, pool)

    async def find(self, path: str) -> list[Object]:
        """What every cluster has at a path of its API; those without, or silent, are left out."""
        answers = await asyncio.gather(
            *(known.kube.call("GET", path) for known in list(self._running.values())), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, (KubeError, *UNREACHABLE)):
                raise answer
        return [answer for answer in answers if not isinstance(answer, BaseException)]

    async def kubeconfig(self, cluster: str) -> str:
        """The text of the kubeconfig, with an administrator's token; a secret."""
        return self._get(cluster).kubeconfig()

    async def remove(self, cluster: str) -> None:
        """Stop a control plane and delete its data, whoever started it; nothing happens if it is gone."""
        async with self._locks[cluster]:
            await self._let_go(cluster)
            if self._node_programs:
                await NodeContainer(self._session, cluster, self._node_programs).remove_all()
            await control_plane.remove(self._processes, cluster, self._folder(cluster))

    async def remove_all(self) -> None:
        """Remove every cluster of this rehearsal, also those that a crash left behind."""
        found = {folder.name for folder in self._home.glob("*") if folder.is_dir()}
        await asyncio.gather(*(self.remove(cluster) for cluster in found | set(self._running)))

    async def close(self) -> None:
        """Let go of every cluster; their programs keep running."""
        await asyncio.gather(*(self._let_go(cluster) for cluster in list(self._running)))

    async def _let_go(self, cluster: str) -> None:
        controllers = self._controllers.pop(cluster, None)
        if controllers:
            controllers.cancel()
            await asyncio.gather(controllers, return_exceptions=True)
        node = self._nodes.pop(cluster, None)
        if node:
            await node.close()
        known = self._running.pop(cluster, None)
        if known:
            await known.kube.close()

    def _get(self, cluster: str) -> ControlPlane:
        if cluster not in self._running:
            raise LookupError(f"There is no cluster {cluster}: create it first.")
        return self._running[cluster]

    @property
    def _home(self) -> Path:
        return self._session.home / "kapsule"

    def _folder(self, cluster: str) -> Path:
        return self._home / cluster

    def _record_of(self, cluster: Cluster) -> ClusterRecord:
        """What the disk says of a cluster, written now if it says nothing. Never awaits: an address is given once."""
        folder = self._folder(cluster.id)
        known = ClusterRecord.read(folder)
        if known is None:
            known = ClusterRecord.new(cluster, self._free_address())
            known.write(folder)
        return known

    def _free_address(self) -> str:
        taken = {json.loads(file.read_text())["address"] for file in self._home.glob("*/cluster.json")}
        addresses = (self._session.address(Block.CONTROL_PLANES, number) for number in range(1, 255))
        free = next((address for address in addresses if address not in taken and _unused(address)), None)
        if free is None:
            raise SessionError("This rehearsal has no address left for another cluster: remove one first.")
        return free


async def _control(of: ControlPlane, balancers: LoadBalancers, node: BoardNode | None) -> None:
    """Do what Scaleway's controllers would do in a cluster, until cancelled."""
    kube, changed = of.kube, asyncio.Event()
    services = Informer(kube, "/api/v1/services", changed)
    ingresses = Informer(kube, "/apis/networking.k8s.io/v1/ingresses", changed)
    classes = Informer(kube, "/apis/networking.k8s.io/v1/ingressclasses", changed)
    claims = Informer(kube, "/api/v1/persistentvolumeclaims", changed)
    volumes = Informer(kube, "/api/v1/persistentvolumes", changed)
    reconcilers = [
        *LoadBalancerController(of.record.id, kube, balancers, services).reconcilers,
        # Where pods run, the ingress controller's own tell the addresses.
        *([] if node else IngressController(kube, ingresses, classes, services).reconcilers),
        *VolumeController(kube, claims, volumes, node).reconcilers,
    ]
    try:
        async with asyncio.TaskGroup() as tasks:
            if node:
                tasks.create_task(node.keep(services))
                pods_changed = asyncio.Event()
                pods = Informer(kube, "/api/v1/pods", pods_changed)
                absent = AbsentImages(kube, pods, absent_images_file(of.folder))
                tasks.create_task(run_controllers(pods_changed, [pods], absent.reconcilers))
            else:
                # Where pods run, cert-manager itself signs. Apart from the other controllers: the kind comes with
                # cert-manager, and each certificate is waited for while an authority signs.
                signing = asyncio.Event()
                certificates = Informer(kube, f"{GROUP}/certificates", signing)
                signers = CertificateController(kube, certificates).reconcilers
                tasks.create_task(run_controllers(signing, [certificates], signers))
            tasks.create_task(run_controllers(changed, [services, ingresses, classes, claims, volumes], reconcilers))
    except Exception:
        _LOG.exception("The controllers of cluster %s ended; it gives no more addresses and volumes.", of.record.id)
        raise


def _unused(address: str) -> bool:
    """Whether a control plane can listen there; another user's rehearsal may have the same slot."""
    for port in (API_PORT, ETCD_PORT, ETCD_PEER_PORT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True

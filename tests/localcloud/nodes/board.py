"""One board with a node whose pods run, and kubectl for it."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

from rich.console import Console

from rehearsal.images.catalogue import NODE
from rehearsal.images.image_registry import ImageRegistry
from rehearsal.images.pod_image import PodImage, write
from rehearsal.images.provided_images import BUILT, ProvidedImage, read_provided, write_provided
from rehearsal.images.providing import provide_images
from rehearsal.instances import Mirrors, docker_daemon, leftovers, remove_all
from rehearsal.instances.docker import docker
from rehearsal.kapsule import ControlPlanes
from rehearsal.nodes import machine_image, provide
from rehearsal.nodes.leftovers import node_leftovers, remove_node_volumes
from rehearsal.processes import Processes
from rehearsal.scaleway.backends import Cluster, Node
from rehearsal.session import Block, Session
from rehearsal.toolchain.catalogue import Program, Source
from tests.support.tools import built, tools
from tests.support.waiting import LONGEST_WAIT

POOL = "pool-id"
REAL, SIMULATED = "scw-blue-main-1", "scw-blue-main-2"
CLUSTER = Cluster(id="blue-id", name="blue", version="1.36", pod_cidr="100.64.0.0/15", service_cidr="10.32.0.0/20")
PROBE_IMAGE = "registry.example/probe:1"
PROBE = Source(module=str(Path(__file__).parent / "probe"), version="1", programs=(Program("probe"),))
Object = dict[str, Any]


class LoadBalancers:
    """Gives out addresses of the rehearsal's own block."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.given: dict[str, str] = {}

    async def acquire(self, cluster: str, service: str, reserved_ip: str | None, zone: str | None) -> str:
        del cluster, reserved_ip, zone
        return self.given.setdefault(service, self._session.address(Block.LOAD_BALANCERS, len(self.given) + 1))

    async def release(self, cluster: str, service: str) -> None:
        del cluster
        self.given.pop(service, None)


class Board:
    """The board, its load balancers and its kubectl."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.load_balancers = LoadBalancers(session)
        self.clusters = self.open()
        self.registry = ImageRegistry(session)

    def open(self) -> ControlPlanes:
        nodes = provide(tools().control_plane, Console(stderr=True))
        clusters = ControlPlanes(self.session, Processes(self.session), tools().control_plane, nodes)
        clusters.use(self.load_balancers)
        return clusters

    async def start(self) -> None:
        def tell(line: str) -> None:
            Console(stderr=True).print(line)

        await docker_daemon.provide(self.session, tell)
        await machine_image.provide(Mirrors(), tell)
        await self.registry.start()
        await provide_images(self.session, Console(stderr=True), teams=False, images=NODE)
        folder = self.session.home / "probe"
        folder.mkdir()
        write(PodImage("probe", {"probe": built(PROBE)}, ["/probe"], user="65532:65532"), folder)
        probe = ProvidedImage(PROBE_IMAGE, BUILT, "the tests", str(folder))
        write_provided(self.session, [*read_provided(self.session), probe])
        await self.clusters.create(CLUSTER)
        labels = {"k8s.scaleway.com/node": "11111111-2222-4333-8444-555555555555"}
        nodes = [Node(name=REAL, node_type="PRO2-XXS", labels=labels), Node(name=SIMULATED, node_type="PRO2-XXS")]
        await self.clusters.set_nodes(CLUSTER.id, POOL, nodes)
        await self.kubectl("wait", f"node/{REAL}", "--for=condition=Ready", "--timeout=300s")

    async def docker(self, *arguments: str) -> str:
        """What docker prints."""
        return await docker(*arguments)

    async def remove(self) -> list[str]:
        """What `rehearsal down` does about boards, and what is then still there."""
        await self.clusters.close()
        await self.registry.stop()
        await Processes(self.session).stop_all()
        await remove_all(self.session)
        await remove_node_volumes(self.session)
        return [*await leftovers(self.session), *await node_leftovers(self.session)]

    @property
    def container(self) -> str:
        """Name of the node's container."""
        return f"shambhala-{self.session.name}-node-{CLUSTER.id}"

    async def kubectl(self, *arguments: str, given: Any = None, fails: bool = False) -> str:
        """What kubectl prints; what it complains of where it is to fail."""
        file = self.session.home / "kubeconfig"
        file.write_text(await self.clusters.kubeconfig(CLUSTER.id))
        child = await asyncio.create_subprocess_exec(
            *(str(tools().control_plane / "kubectl"), f"--kubeconfig={file}", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await child.communicate(json.dumps(given).encode() if given else None)
        assert (child.returncode != 0) == fails, f"kubectl {' '.join(arguments)}: {err.decode()}"
        return (err if fails else out).decode()

    async def apply(self, *objects: Object) -> None:
        await self.kubectl("apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": list(objects)})

    async def run_pod(self, name: str, namespace: str, *command: str, **spec: Any) -> None:
        """Start a pod of the probe's image, and wait until the pod is Ready."""
        await self.apply(pod(name, namespace, *command, **spec))
        await self.kubectl("-n", namespace, "wait", f"pod/{name}", "--for=condition=Ready", "--timeout=300s")

    async def probe(self, name: str, namespace: str, *command: str, fails: bool = False) -> str:
        """What the probe says that is called in a pod."""
        return await self.kubectl("-n", namespace, "exec", name, "--", "/probe", *command, fails=fails)


def pod(name: str, namespace: str, *command: str, user: int = 65532, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsUser": user, "fsGroup": user},
            "containers": [{"name": "main", "image": PROBE_IMAGE, "args": list(command), **spec.pop("container", {})}],
            **spec,
        },
    }


def service(name: str, namespace: str, port: int, **spec: Any) -> Object:
    ports = [{"port": port, "targetPort": 8000}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": ports, **spec},
    }


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def policy(name: str, namespace: str, **spec: Any) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {}, **spec},
    }


async def asked(address: str, port: int) -> str:
    """Body of a page that is served at an address of this machine; waits until one is."""
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            try:
                return await _get(address, port)
            except OSError:
                await asyncio.sleep(0.2)


async def _get(address: str, port: int) -> str:
    reader, writer = await asyncio.open_connection(address, port, family=socket.AF_INET)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    if " 200 " not in answer:
        raise ConnectionResetError(answer or "no answer")
    return answer.partition("\r\n\r\n")[2]

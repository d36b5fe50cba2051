"""Board: a control plane with what the program puts there for its Ingresses, their pods, and the ingress stand-in.

The stand-in is a process with the flags, the permissions and the user of F5's pod, in a network of its own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import shutil
import signal
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal.instances.forwarding import TcpForwarder
from rehearsal.kapsule.cluster_record import ClusterRecord
from rehearsal.kapsule.command_lines import API_PORT
from rehearsal.kapsule.control_plane import ControlPlane
from rehearsal.kapsule.control_plane import stop as stop_control_plane
from rehearsal.processes import Processes
from rehearsal.scaleway.backends import Cluster
from rehearsal.session import Block, Session
from tests.localcloud.ingress.authority import Authority
from tests.localcloud.ingress.network import Network
from tests.localcloud.ingress.nginx_program import nginx
from tests.localcloud.ingress.player import LOAD_BALANCER, STRANGER, Player
from tests.localcloud.ingress.pods import Pod
from tests.localcloud.ingress.program import NAMESPACE, Object, Program
from tests.support.tools import tools
from tests.support.waiting import LONGEST_WAIT

CLUSTER = Cluster(id="ingress-id", name="blue", version="1.36", pod_cidr="100.64.0.0/15", service_cidr="10.32.0.0/20")
NGINX = "192.0.2.1"
"""Address of the stand-in's pod."""
PODS = ipaddress.ip_network("192.0.2.128/25")
POD_PORT = 8080
ADDRESS = "198.51.100.1"
"""Address of the controller's load balancer."""
_ROOT = Path(__file__).parents[3]
_PLURALS = {
    "ConfigMap": "/api/v1/{}configmaps",
    "Event": "/api/v1/{}events",
    "Ingress": "/apis/networking.k8s.io/v1/{}ingresses",
    "IngressClass": "/apis/networking.k8s.io/v1/ingressclasses",
    "Secret": "/api/v1/{}secrets",
}


class Board:
    """Raise it, ask it as a player, remove it."""

    def __init__(self, session: Session, scratch: Path, program: Program) -> None:
        self._session = session
        self._scratch = scratch
        self._processes = Processes(session)
        address = session.address(Block.CONTROL_PLANES, 1)
        record = ClusterRecord.new(CLUSTER, address)
        self._plane = ControlPlane(session.home / "plane", record, self._processes, tools().control_plane)
        self._api = (address, API_PORT)
        self.network = Network([NGINX, LOAD_BALANCER, STRANGER, *(str(pod) for pod in list(PODS.hosts())[:16])])
        self._connections: set[asyncio.Task[None]] = set()
        self._forwarder = TcpForwarder(*self._api, lambda _caller: True, self._connections)
        self.authority = Authority()
        self.program = program
        self.pods: dict[str, Pod] = {}
        self.log = scratch / "controller.log"
        self._controller: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Raise the control plane and everything but the stand-in itself."""
        await self._plane.start()
        await self._forwarder.open(self.network.listener(*self._api))
        objects = [*self.program.services, *self.program.ingresses]
        names = {each["metadata"]["namespace"] for each in objects} | {NAMESPACE}
        certificates = [self.authority.secret(NAMESPACE, "wildcard-tls", "*.blue.hunt-dev.example.org")] + [
            self.authority.secret(each["metadata"]["namespace"], entry["secretName"], *entry["hosts"])
            for each in self.program.ingresses
            for entry in each["spec"]["tls"]
        ]
        await self.apply(
            *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(names)),
            # Its pods would not run here: the process is the pod.
            *(each for each in self.program.controller if each["kind"] != "Deployment"),
            *certificates,
            *objects,
            *(self._pod(each) for each in self.program.services if each["spec"].get("selector")),
        )
        status = {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS, "ipMode": "Proxy"}]}}}
        service = f"/api/v1/namespaces/{NAMESPACE}/services/nginx-ingress-controller/status"
        await self._plane.kube.merge(service, status)

    def _pod(self, service: Object) -> Object:
        """Start a pod for a Service; gives the EndpointSlice by which the pod is found."""
        name, namespace = (service["metadata"][key] for key in ("name", "namespace"))
        address = str(list(PODS.hosts())[len(self.pods)])
        self.pods[name] = Pod(self.network, address, POD_PORT, name)
        labels = {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "tests"}
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"name": service["spec"]["ports"][0]["name"], "port": POD_PORT, "protocol": "TCP"}],
        }

    async def start_controller(self) -> None:
        """Start the stand-in as the chart's Deployment does."""
        account = self._scratch / "account"
        account.mkdir(exist_ok=True)
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/nginx-ingress/token"
        asked: Object = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        (account / "token").write_text((await self._plane.kube.call("POST", path, asked))["status"]["token"])
        shutil.copy(self._plane.certificates.authority, account / "ca.crt")
        files = self._scratch / "nginx"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        os.chown(files, 101, 101)
        [deployment] = (each for each in self.program.controller if each["kind"] == "Deployment")
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        security = container["securityContext"]
        user, added = security["runAsUser"], security["capabilities"]["add"]
        # Reading is for the tests alone: this project may lie in a folder of root's.
        rights = ",".join(["-all", *(f"+{name.lower()}" for name in added), "+dac_read_search"])
        arguments = [each.replace("$(POD_NAMESPACE)", NAMESPACE) for each in container["args"]]
        own = [f"-account={account}", f"-folder={files}", f"-nginx={nginx()}"]
        with self.log.open("ab") as log:
            # nginx opens its standard output a second time, as its user.
            os.fchmod(log.fileno(), 0o666)
            self._controller = await asyncio.create_subprocess_exec(
                *("nsenter", f"--net={self.network.path}", "setpriv", f"--reuid={user}", f"--regid={user}"),
                *("--clear-groups", f"--bounding-set={rights}", f"--inh-caps={rights}", f"--ambient-caps={rights}"),
                *("--no-new-privs", sys.executable, "-m", "rehearsal.ingress", *arguments, *own),
                cwd=_ROOT,
                env={
                    "POD_NAMESPACE": NAMESPACE,
                    "KUBERNETES_SERVICE_HOST": self._api[0],
                    "KUBERNETES_SERVICE_PORT": str(self._api[1]),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdout=log,
                stderr=log,
            )

    async def stop_controller(self) -> int:
        """Ask the stand-in to end; gives its exit status."""
        assert self._controller is not None
        if self._controller.returncode is None:
            self._controller.send_signal(signal.SIGTERM)
        return await self._controller.wait()

    async def ended(self) -> int:
        """Wait until the stand-in has ended by itself; gives its exit status."""
        assert self._controller is not None
        return await asyncio.wait_for(self._controller.wait(), LONGEST_WAIT)

    async def ready(self) -> None:
        """Wait until the stand-in says that all is served, as the kubelet asks it."""

        def served() -> bool:
            asking = Player(self.network, NGINX, address=None)
            try:
                return asking.ask("pod", "/nginx-ready", port=8081).status == 200
            except OSError:
                return False

        await self.until(served, "nginx-ready")

    def player(self, **changes: Any) -> Player:
        """A player who trusts the tests' authority."""
        trust = ssl.create_default_context(cadata=self.authority.pem)
        return Player(self.network, NGINX, trust=trust, **changes)

    async def apply(self, *objects: Object) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        (self._scratch / "objects.json").write_text(json.dumps(listed))
        await self.kubectl("apply", "--filename", str(self._scratch / "objects.json"))

    async def kubectl(self, *arguments: str) -> str:
        config = self._scratch / "kubeconfig"
        config.write_text(self._plane.kubeconfig())
        child = await asyncio.create_subprocess_exec(
            str(tools().control_plane / "kubectl"),
            f"--kubeconfig={config}",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await child.communicate()
        assert child.returncode == 0, printed.decode()
        return printed.decode()

    async def items(self, kind: str, namespace: str | None = None) -> list[Object]:
        within = f"namespaces/{namespace}/" if namespace else ""
        return await self._plane.kube.items(_PLURALS[kind].format(within))

    async def events(self, namespace: str, about: str) -> list[str]:
        """Reason and message of each event about an object."""
        return [
            f"{each['reason']}: {each['message']}"
            for each in await self.items("Event", namespace)
            if each["involvedObject"]["name"] == about
        ]

    async def until_event(self, namespace: str, about: str, part: str) -> str:
        """The first event about an object whose text has a part."""
        deadline = time.monotonic() + LONGEST_WAIT
        while True:
            said = await self.events(namespace, about)
            found = next((each for each in said if part in each), None)
            if found:
                return found
            assert time.monotonic() < deadline, f"no event {part!r} about {about}, but {said}\n{self.tail}"
            await asyncio.sleep(0.1)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + LONGEST_WAIT
        while not await asyncio.to_thread(holds):
            assert time.monotonic() < deadline, f"{what} did not come\n{self.tail}"
            assert self._controller is None or self._controller.returncode is None, self.tail
            await asyncio.sleep(0.1)

    @property
    def tail(self) -> str:
        """The end of the stand-in's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:]) if self.log.exists() else ""

    async def remove(self) -> None:
        if self._controller:
            await self.stop_controller()
        for pod in self.pods.values():
            await asyncio.to_thread(pod.close)
        self._forwarder.close()
        for connection in self._connections:
            connection.cancel()
        await self._plane.kube.close()
        await stop_control_plane(self._processes, CLUSTER.id)
        await self._processes.stop_all()
        self.network.close()

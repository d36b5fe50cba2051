"""Pods that run on a board: images, logs, exec, port-forward, volumes, load balancers, names, a node that dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import cast

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from rehearsal.absent_images_watch import absent_images
from rehearsal.kapsule.volumes import STORAGE_CLASS
from rehearsal.session import Block
from tests.localcloud.nodes.board import REAL, SIMULATED, Board, asked, pod, service
from tests.support.tools import tools
from tests.support.waiting import LONGEST_WAIT, until_it_holds


class GameMaster(asyncio.DatagramProtocol):
    """Name server that knows one name, and refuses all others."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        asked_for = query.question[0].name
        if asked_for.to_text() != "play.hunt.example.org.":
            answer.set_rcode(dns.rcode.REFUSED)
        elif query.question[0].rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(asked_for, 60, "IN", "A", "192.0.2.77"))
        self._transport.sendto(answer.to_wire(), addr)


# On a bare machine the first of these builds the images of Instances and of nodes.
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


async def test_one_node_runs_pods_and_the_other_says_that_it_is_simulated(board: Board) -> None:
    nodes = json.loads(await board.kubectl("get", "nodes", "--output=json"))["items"]
    real, simulated = sorted(nodes, key=lambda node: len(node["metadata"]["name"]))
    assert real["metadata"]["name"] == REAL
    assert real["metadata"]["labels"]["k8s.scaleway.com/pool"] == "pool-id"
    assert real["spec"]["providerID"] == "scaleway://instance/fr-par-1/11111111-2222-4333-8444-555555555555"
    assert real["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
    assert simulated["metadata"]["name"] == f"{SIMULATED}-simulated"
    assert [taint["effect"] for taint in simulated["spec"]["taints"]] == ["NoSchedule"]
    assert sorted(await board.clusters.ready_nodes("blue-id", "pool-id")) == [REAL, SIMULATED]


async def test_a_pod_of_an_image_that_was_built_here_runs_and_is_looked_into(board: Board) -> None:
    await board.run_pod("first", "plain", "serve", "8000", "hello")
    assert await board.kubectl("-n", "plain", "logs", "first") == "serving hello\n"
    assert await board.probe("first", "plain", "ask", "http://127.0.0.1:8000") == "hello"
    told = json.loads(await board.kubectl("-n", "plain", "get", "pod", "first", "--output=json"))
    assert told["spec"]["nodeName"] == REAL


async def test_a_port_of_a_pod_is_forwarded(board: Board) -> None:
    await board.run_pod("forwarded", "plain", "serve", "8000", "through the API")
    kubeconfig = f"--kubeconfig={board.session.home / 'kubeconfig'}"
    forwarding = await asyncio.create_subprocess_exec(
        *(str(tools().control_plane / "kubectl"), kubeconfig, "-n", "plain"),
        *("port-forward", "--address=127.0.0.1", "pod/forwarded", ":8000"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert forwarding.stdout
        said = (await asyncio.wait_for(forwarding.stdout.readline(), 20)).decode()
        port = int(said.rpartition(" -> ")[0].rpartition(":")[2])
        assert await asked("127.0.0.1", port) == "through the API"
    finally:
        forwarding.terminate()
        await forwarding.wait()


async def test_a_claim_gets_a_volume_that_keeps_data_from_pod_to_pod(board: Board) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk", "namespace": "plain"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
    }
    await board.apply(claim)
    volumes = [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]
    mounted = {"volumeMounts": [{"name": "disk", "mountPath": "/data"}]}
    await board.run_pod("writer", "plain", "serve", "8000", "x", volumes=volumes, container=mounted)
    await board.probe("writer", "plain", "keep", "/data/note", "kept")
    await board.kubectl("-n", "plain", "delete", "pod", "writer", "--timeout=300s")
    await board.run_pod("reader", "plain", "serve", "8000", "x", volumes=volumes, container=mounted)
    assert await board.probe("reader", "plain", "show", "/data/note") == "kept"
    bound = json.loads(await board.kubectl("-n", "plain", "get", "pvc", "disk", "--output=json"))
    assert bound["spec"]["storageClassName"] == STORAGE_CLASS == "sbs-default"


async def test_a_load_balancer_answers_on_this_machine(board: Board) -> None:
    await board.run_pod("outside", "plain", "serve", "8000", "from outside")
    await board.apply(service("outside", "plain", 8081, type="LoadBalancer"))
    where = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    await board.kubectl("-n", "plain", "wait", "service/outside", f"--for={where}", "--timeout=300s")
    address = await board.kubectl("-n", "plain", "get", "service", "outside", f"--output={where}")
    assert await asked(address, 8081) == "from outside"
    # From a pod too, by the address that the game's names stand for: also the pods' own loopback range has it.
    await board.run_pod("visitor", "plain", "serve", "8000", "its own")
    # The node learns of an address a moment later.
    found = await until_it_holds(lambda: board.probe("visitor", "plain", "ask", f"http://{address}:8081"))
    assert found == "from outside"
    assert await board.probe("visitor", "plain", "ask", "http://127.0.0.1:8000") == "its own"


async def test_names_of_services_and_the_api_are_found_from_a_pod(board: Board) -> None:
    await board.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=300s")
    await board.run_pod("asking", "plain", "serve", "8000", "x")
    assert "10.32.0.10" in await board.probe("asking", "plain", "resolve", "coredns.kube-system.svc.cluster.local")
    version = await board.probe("asking", "plain", "api", "https://kubernetes.default.svc/version")
    assert json.loads(version)["gitVersion"].startswith("v1.")


async def test_a_name_of_the_game_is_asked_of_the_game_master(board: Board) -> None:
    """The first machine of a rehearsal; it refuses names that are not the game's, and other servers are asked then."""
    await board.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=300s")
    loop = asyncio.get_running_loop()
    where = (board.session.address(Block.INSTANCES, 1), 53)
    transport, _ = await loop.create_datagram_endpoint(GameMaster, local_addr=where)
    try:
        await board.run_pod("resolving", "plain", "serve", "8000", "x")
        assert "192.0.2.77" in await board.probe("resolving", "plain", "resolve", "play.hunt.example.org.")
    finally:
        transport.close()


async def test_an_image_that_is_nowhere_leaves_the_pod_waiting_and_is_told_of(board: Board) -> None:
    absent = pod("absent", "plain")
    absent["spec"]["containers"][0]["image"] = "registry.invalid/nowhere:1"
    await board.apply(absent)
    async with asyncio.timeout(LONGEST_WAIT):
        while "ImageNotThere" not in (said := await board.kubectl("-n", "plain", "get", "events")):
            await asyncio.sleep(0.5)
    assert "registry.invalid/nowhere:1" in said
    assert "is not built here, and registry.invalid does not give it" in said
    # For whoever raises the rehearsal, who reads no events.
    [line] = absent_images(board.session)
    assert line.startswith("plain/absent: image registry.invalid/nowhere:1")
    assert "sources.images" in line
    waiting = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    assert "Pull" in await board.kubectl("-n", "plain", "get", "pod", "absent", f"--output={waiting}")


async def test_pods_that_ask_for_the_simulated_node_stay_pending(board: Board) -> None:
    await board.apply(pod("astray", "plain", nodeSelector={"kwok.x-k8s.io/node": "fake"}))
    await board.kubectl(
        *("-n", "plain", "wait", "pod/astray", "--timeout=300s"),
        "--for=jsonpath={.status.conditions[?(@.type=='PodScheduled')].reason}=Unschedulable",
    )


async def test_a_node_whose_container_dies_comes_back_with_its_pods(board: Board) -> None:
    await board.run_pod("survivor", "plain", "serve", "8000", "still here")
    before = json.loads(await board.kubectl("-n", "plain", "get", "pod", "survivor", "--output=json"))
    process = int(await board.docker("container", "inspect", "--format", "{{.State.Pid}}", board.container))
    os.kill(process, signal.SIGKILL)
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            told = json.loads(await board.kubectl("-n", "plain", "get", "pod", "survivor", "--output=json"))
            [status] = told["status"]["containerStatuses"]
            if status["restartCount"] > 0 and status["ready"]:
                break
            await asyncio.sleep(0.5)
    assert told["metadata"]["uid"] == before["metadata"]["uid"]
    assert await board.probe("survivor", "plain", "ask", "http://127.0.0.1:8000") == "still here"


async def test_settings_of_the_whole_machine_stay_as_they_are(board: Board) -> None:
    """The kubelet would set three of them for everything that runs on this machine."""
    shown = await board.docker("container", "exec", board.container, "cat", "/proc/sys/kernel/panic_on_oops")
    assert shown == "1"
    mounts = await board.docker("container", "exec", board.container, "cat", "/proc/self/mountinfo")
    for setting in ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"):
        assert f" /proc/sys/{setting} " in mounts

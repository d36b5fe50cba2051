"""Kapsule clusters, as kubectl and a player's tools see them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
import yaml

from rehearsal.kapsule import ControlPlanes
from rehearsal.kapsule.load_balancers import RESERVED_IP
from rehearsal.processes import Processes
from rehearsal.scaleway.backends import Cluster, Node
from rehearsal.session import Session, claim, release
from tests.support.tools import tools
from tests.support.waiting import LONGEST_WAIT

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

BLUE = Cluster(id="blue-id", name="blue", version="1.36", pod_cidr="100.64.0.0/15", service_cidr="10.32.0.0/20")
GREEN = Cluster(id="green-id", name="green", version="1.36", pod_cidr="100.66.0.0/15", service_cidr="10.40.0.0/20")


class Addresses:
    """Gives out addresses of a documentation range, one of them reserved."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    async def acquire(self, cluster: str, service: str, reserved_ip: str | None, zone: str | None) -> str:
        if reserved_ip not in (None, "the-reserved-one"):
            raise LookupError(f"there is no reserved IP {reserved_ip}")
        address = "192.0.2.99" if reserved_ip else f"192.0.2.{len(self.given) + 1}"
        return self.given.setdefault(service, address)

    async def release(self, cluster: str, service: str) -> None:
        self.given.pop(service, None)


class Site:
    """One rehearsal with two clusters, and kubectl for each."""

    def __init__(self, run: Session) -> None:
        self.run = run
        self.addresses = Addresses()
        self.clusters = self.open()

    def open(self) -> ControlPlanes:
        clusters = ControlPlanes(self.run, Processes(self.run), tools().control_plane)
        clusters.use(self.addresses)
        return clusters

    async def kubectl(self, cluster: Cluster, *arguments: str, given: Any = None, fails: bool = False) -> str:
        file = self.run.home / f"{cluster.name}.kubeconfig"
        file.write_text(await self.clusters.kubeconfig(cluster.id))
        child = await asyncio.create_subprocess_exec(
            str(tools().control_plane / "kubectl"),
            f"--kubeconfig={file}",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await child.communicate(json.dumps(given).encode() if given else None)
        assert (child.returncode != 0) == fails, err.decode()
        return (err if fails else out).decode()

    async def apply(self, cluster: Cluster, body: Any) -> None:
        await self.kubectl(cluster, "apply", "-f", "-", given=body)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        run = claim(f"kapsule-{os.getpid()}")
        built = Site(run)
        try:
            await asyncio.gather(built.clusters.create(BLUE), built.clusters.create(GREEN))
            nodes = [Node(name=f"scw-blue-main-{number}", node_type="PRO2-XXS") for number in (1, 2)]
            await built.clusters.set_nodes(BLUE.id, "main", nodes)
            yield built
        finally:
            for cluster in (BLUE, GREEN):
                await built.clusters.remove(cluster.id)
            await Processes(run).stop_all()
            release(run)


def deployment(name: str) -> Any:
    pod = {"containers": [{"name": "web", "image": "registry.example/web:1"}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def load_balancer(name: str, annotations: dict[str, str], labels: dict[str, str] | None = None) -> Any:
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": name}}
    meta = {"name": name, "annotations": annotations, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def ingress_class(name: str) -> Any:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name},
        "spec": {"controller": "nginx.org/ingress-controller"},
    }


ADDRESS = "jsonpath={.status.loadBalancer.ingress[0].ip}"


async def test_a_pools_nodes_become_ready_and_follow_its_size(site: Site) -> None:
    await site.kubectl(BLUE, "wait", "node", "--all", "--for=condition=Ready", "--timeout=300s")
    assert sorted(await site.clusters.ready_nodes(BLUE.id, "main")) == ["scw-blue-main-1", "scw-blue-main-2"]
    await site.clusters.set_nodes(BLUE.id, "other", [Node(name="scw-blue-other-1", node_type="PRO2-S")])
    await site.clusters.set_nodes(BLUE.id, "other", [])
    assert "other" not in await site.kubectl(BLUE, "get", "nodes", "-o", "name")


async def test_two_clusters_know_nothing_of_each_other(site: Site) -> None:
    await site.kubectl(BLUE, "create", "namespace", "only-blue")
    assert "only-blue" not in await site.kubectl(GREEN, "get", "namespaces", "-o", "name")


async def test_the_service_of_the_api_has_the_endpoints_that_pods_are_led_to(site: Site) -> None:
    said = json.loads(await site.kubectl(BLUE, "get", "endpoints,endpointslices", "kubernetes", "--output=json"))
    endpoints, slices = said["items"]
    [subset] = endpoints["subsets"]
    assert [address["ip"] for address in subset["addresses"]] == slices["endpoints"][0]["addresses"]
    assert subset["ports"] == slices["ports"] == [{"name": "https", "port": 6443, "protocol": "TCP"}]


async def test_a_deployment_becomes_available(site: Site) -> None:
    await site.apply(BLUE, deployment("web"))
    await site.kubectl(BLUE, "wait", "deployment/web", "--for=condition=Available", "--timeout=300s")


async def test_a_job_completes(site: Site) -> None:
    await site.kubectl(BLUE, "create", "job", "once", "--image=registry.example/once:1")
    await site.kubectl(BLUE, "wait", "job/once", "--for=condition=Complete", "--timeout=300s")


async def test_a_load_balancer_service_gets_its_reserved_address_and_an_ingress_the_same(site: Site) -> None:
    controllers = {"app.kubernetes.io/name": "nginx-ingress"}
    await site.apply(BLUE, load_balancer("balancer", {RESERVED_IP: "fr-par-1/the-reserved-one"}, controllers))
    await site.apply(BLUE, ingress_class("nginx"))
    await site.kubectl(BLUE, "wait", "service/balancer", f"--for={ADDRESS}=192.0.2.99", "--timeout=300s")
    await site.kubectl(BLUE, "create", "ingress", "page", "--class=nginx", "--rule=play.example.org/*=web:80")
    await site.kubectl(BLUE, "wait", "ingress/page", f"--for={ADDRESS}=192.0.2.99", "--timeout=300s")
    await site.kubectl(BLUE, "delete", "service", "balancer", "--timeout=300s")
    assert site.addresses.given == {}


async def test_an_unknown_reserved_address_is_told_by_an_event(site: Site) -> None:
    await site.apply(GREEN, load_balancer("nowhere", {RESERVED_IP: "no-such-ip"}))
    # `kubectl wait` gives up at once when there is no event yet.
    async with asyncio.timeout(LONGEST_WAIT):
        while "SyncLoadBalancerFailed" not in await site.kubectl(
            GREEN, "get", "events", "-o", "custom-columns=:.reason"
        ):
            await asyncio.sleep(0.2)
    await site.kubectl(GREEN, "delete", "service", "nowhere", "--timeout=300s")


async def test_a_claim_gets_a_volume_which_goes_with_it(site: Site) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    claim_ = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"}, "spec": spec}
    await site.apply(BLUE, claim_)
    await site.kubectl(BLUE, "wait", "pvc/disk", "--for=jsonpath={.status.phase}=Bound", "--timeout=300s")
    await site.kubectl(BLUE, "delete", "pvc", "disk", "--timeout=300s")
    await site.kubectl(BLUE, "wait", "pv", "--all", "--for=delete", "--timeout=300s")


async def test_a_wrong_token_and_no_token_are_both_refused(site: Site) -> None:
    assert "Unauthorized" in await site.kubectl(BLUE, "--token=wrong", "get", "nodes", fails=True)
    config = yaml.safe_load(await site.clusters.kubeconfig(BLUE.id))
    authority = site.run.home / "ca.crt"
    authority.write_bytes(base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]))
    child = await asyncio.create_subprocess_exec(
        str(shutil.which("curl")),
        "--silent",
        "--cacert",
        str(authority),
        f"{config['clusters'][0]['cluster']['server']}/api",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await child.communicate()
    assert json.loads(out)["code"] == 401


async def test_a_cluster_goes_on_after_every_program_was_killed(site: Site) -> None:
    await site.kubectl(GREEN, "create", "namespace", "kept")
    await site.clusters.close()
    for process in Processes(site.run).recorded():
        os.killpg(process.pid, signal.SIGKILL)
        while process.alive:
            await asyncio.sleep(0.01)
    site.clusters = site.open()
    await asyncio.gather(site.clusters.create(BLUE), site.clusters.create(GREEN))
    assert "kept" in await site.kubectl(GREEN, "get", "namespace", "kept", "-o", "name")


async def test_a_removed_cluster_leaves_no_program_and_no_file(site: Site) -> None:
    await site.clusters.remove(GREEN.id)
    await site.clusters.remove(GREEN.id)
    assert not [process for process in Processes(site.run).recorded() if GREEN.id in process.name]
    assert not (site.run.home / "kapsule" / GREEN.id).exists()

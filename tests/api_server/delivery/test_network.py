"""Who reaches whom from within a build, by the cluster's own network policies.

Nothing enforces them where no pod runs. netpol-analyzer reads them as Kubernetes documents them, from the objects that
the API server holds: the program's, and pods of builds as a runner makes them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from rehearsal.kapsule.api_endpoints import ADDRESS as API
from rehearsal.kapsule.command_lines import API_PORT
from rehearsal.toolchain.catalogue import NETPOL
from tests.api_server.delivery import observed
from tests.api_server.releases.site import Site
from tests.support.tools import built

# Long enough for the tool chain to be built first.
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(1800)]

Fell = Callable[[str], None]
Object = dict[str, Any]

BUILDS = ("ci-team-red", "ci-team-blue", "cd-team-red", "cd-team-blue", "cd-portal")
"""Namespaces in which a build's pod is put."""
NAME = "app.kubernetes.io/name"
METADATA = ("169.254.42.42", "169.254.169.254")
REGISTRY = "198.51.100.50"
"""Any public address but a node's, which its own pods always reach; that of the images' registry, for instance."""


@dataclass(frozen=True)
class Network:
    """A cluster's namespaces, pods and network policies."""

    objects: Sequence[Object]
    folder: Path

    async def reaches(self, source: str, target: str, port: int, protocol: str = "tcp", *, without: str = "") -> bool:
        """Whether a pod may reach another (each as NAMESPACE/APP) or an IPv4 address.

        without: namespaces, separated by blanks, from which the policies are taken away first.
        """
        folder = self.folder / (without.replace(" ", "+") or "as it is")
        if not folder.exists():
            folder.mkdir()
            kept = [
                each
                for each in self.objects
                if each["kind"] != "NetworkPolicy" or each["metadata"]["namespace"] not in without.split()
            ]
            text = json.dumps({"apiVersion": "v1", "kind": "List", "items": kept})
            # A document in JSON is one in YAML.
            (folder / "cluster.yaml").write_text(text)
        namespace, pod = self._pod(source)
        if "/" in target:
            other_namespace, other = self._pod(target)
            to = [f"--destination-namespace={other_namespace}", f"--destination-pod={other}"]
        else:
            to = [f"--destination-ip={target}"]
        child = await asyncio.create_subprocess_exec(
            str(built(NETPOL)),
            *("evaluate", f"--dirpath={folder}", "--quiet"),
            *(f"--source-namespace={namespace}", f"--source-pod={pod}", *to),
            *(f"--destination-port={port}", f"--protocol={protocol}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await child.communicate())[0].decode().strip()
        assert child.returncode == 0, said
        _, _, verdict = said.rpartition(": ")
        assert verdict in {"true", "false"}, said
        return verdict == "true"

    def _pod(self, place: str) -> tuple[str, str]:
        namespace, app = place.split("/")
        found = [
            each["metadata"]["name"]
            for each in self.objects
            if each["kind"] == "Pod"
            and each["metadata"]["namespace"] == namespace
            and app in (each["metadata"]["name"], each["metadata"].get("labels", {}).get(NAME))
        ]
        assert found, f"there is no pod of {place}"
        return namespace, found[0]


@pytest.fixture(scope="module")
def watching() -> Sequence[Object]:
    """Observability's objects; what makes them has a loop of its own, and so none may run meanwhile."""
    return observed.objects()


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def network(site: Site, watching: Sequence[Object], tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Pods of the game and of observability, and a pod in each namespace of builds, of a team and of DNS."""
    pods = [pod(namespace, "build") for namespace in BUILDS]
    pods += [pod("team-red", "site"), pod("team-blue", "site"), pod("game", "page")]
    name_server = pod("kube-system", "dns")
    name_server["metadata"]["labels"]["k8s-app"] = "kube-dns"
    for each in [*pods, name_server]:
        await site.kubectl("create", "--filename=-", given=each)
    await site.kubectl("wait", "--all-namespaces", "--for=jsonpath={.status.podIP}", "pods", "--all", "--timeout=300s")
    kinds = "namespaces,pods,networkpolicies"
    found = json.loads(await site.kubectl("get", kinds, "--all-namespaces", "--output=json"))
    return Network([*found["items"], *watching], tmp_path_factory.mktemp("network"))


def pod(namespace: str, app: str) -> Object:
    """A pod that is as harmless as a team's must be."""
    container = {
        "name": app,
        "image": "registry.example/step:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": app, "namespace": namespace, "labels": {NAME: app}},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }


@pytest.mark.parametrize(
    ("source", "target", "port", "protocol"),
    [
        ("ci-team-red/build", "kube-system/dns", 53, "udp"),
        ("ci-team-red/build", "scm/gitea", 3000, "tcp"),
        ("cd-team-red/build", API, API_PORT, "tcp"),
        ("cd-portal/build", REGISTRY, 443, "tcp"),
        ("cd-portal/build", "buildkit/buildkit", 1234, "tcp"),
        ("delivery/drone", "guard/guard", 3000, "tcp"),
        ("runners/runner-untrusted", "delivery/drone", 8080, "tcp"),
        ("scm/gitea", "delivery/drone", 8080, "tcp"),
        ("ingress/nginx-ingress", "game/page", 8080, "tcp"),
        ("game/page", "kube-system/dns", 53, "udp"),
        ("game/page", REGISTRY, 443, "tcp"),
    ],
)
async def test_what_the_work_needs_is_open(
    network: Network, source: str, target: str, port: int, protocol: str
) -> None:
    assert await network.reaches(source, target, port, protocol)


@pytest.mark.parametrize(
    ("build", "file"),
    [
        ("ci-team-red/build", "team.pull_request.yaml"),
        ("cd-team-red/build", "team.push.yaml"),
        ("cd-portal/build", "component.push.yaml"),
    ],
)
async def test_every_address_in_the_cluster_that_a_pipeline_names_is_open_to_its_pods(
    site: Site, network: Network, build: str, file: str
) -> None:
    kept = json.loads(await site.kubectl("--namespace=guard", "get", "configmap", "pipelines", "--output=json"))
    named = set(re.findall(r"://([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.cluster\.local:(\d+)", kept["data"][file]))
    assert ("gitea", "scm", "3000") in named
    for app, namespace, port in named:
        assert await network.reaches(build, f"{namespace}/{app}", int(port)), app


@pytest.mark.parametrize("build", [f"{namespace}/build" for namespace in BUILDS])
@pytest.mark.parametrize("address", METADATA)
async def test_t21_t25_no_build_reaches_the_metadata_service(
    network: Network, fell: Fell, build: str, address: str
) -> None:
    assert not await network.reaches(build, address, 80)
    assert await network.reaches(build, address, 80, without=build.partition("/")[0])
    fell("a build reached the metadata service")


@pytest.mark.parametrize(
    ("target", "port"),
    [
        (API, API_PORT),
        ("team-blue/site", 8080),
        ("team-red/site", 8080),
        ("ci-team-blue/build", 8080),
        ("delivery/drone", 8080),
        ("guard/guard", 3000),
        ("buildkit/buildkit", 1234),
    ],
)
async def test_t21_t25_a_pull_requests_build_reaches_nothing_of_the_game(
    network: Network, fell: Fell, target: str, port: int
) -> None:
    assert not await network.reaches("ci-team-red/build", target, port)
    # Both ends hold it; only for the API there is but one.
    ends = f"ci-team-red {target.partition('/')[0]}"
    assert await network.reaches("ci-team-red/build", target, port, without=ends)
    fell("a build reached the API" if target == API else "a build reached another namespace")


@pytest.mark.parametrize(
    ("target", "port"),
    [
        (METADATA[0], 80),
        (API, API_PORT),
        (API, 443),
        ("scm/gitea", 3000),
        ("delivery/drone", 8080),
        ("guard/guard", 3000),
        ("team-red/site", 8080),
    ],
)
async def test_t25_a_components_pod_that_was_broken_into_reaches_nothing_else_of_the_game(
    network: Network, fell: Fell, target: str, port: int
) -> None:
    assert not await network.reaches("game/page", target, port)
    assert await network.reaches("game/page", target, port, without=f"game {target.partition('/')[0]}")
    fell("a component's pod reached what it has no business with")


async def test_t25_no_build_reaches_a_component_but_by_its_ingress(network: Network, fell: Fell) -> None:
    assert not await network.reaches("cd-team-red/build", "game/page", 8080)
    assert await network.reaches("cd-team-red/build", "game/page", 8080, without="cd-team-red game")
    fell("a build reached a component")


@pytest.mark.parametrize("runner", ["runner-untrusted", "runner-deploy"])
async def test_t20_no_build_reaches_a_runner(network: Network, fell: Fell, runner: str) -> None:
    for build in BUILDS:
        assert not await network.reaches(f"{build}/build", f"runners/{runner}", 3000)
    assert await network.reaches("ci-team-red/build", f"runners/{runner}", 3000, without="ci-team-red runners")
    fell("a build reached a runner")


@pytest.mark.parametrize("namespace", ["ci-team-red", "ci-team-blue", "cd-team-red", "cd-team-blue"])
async def test_t28_a_teams_build_has_no_way_to_a_registry(network: Network, fell: Fell, namespace: str) -> None:
    assert not await network.reaches(f"{namespace}/build", REGISTRY, 443)
    assert await network.reaches(f"{namespace}/build", REGISTRY, 443, without=namespace)
    fell("a build reached the registry")


NODE = "10.0.0.4"
"""A node's address, but not that of the node on which a pod runs."""


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("logging/fluentbit", "logging/fluentd", 24240),
        ("logging/fluentbit", observed.API, API_PORT),
        ("logging/fluentd", "observability/gateway", 8080),
        ("observability/gateway", "observability/loki", 3100),
        ("observability/grafana", "observability/gateway", 8080),
        ("observability/grafana", "observability/prometheus", 9090),
        ("observability/grafana", REGISTRY, 443),
        ("observability/prometheus", "observability/loki", 3100),
        ("observability/prometheus", "observability/kube-state-metrics", 8080),
        ("observability/prometheus", "observability/alertmanager", 9093),
        ("observability/prometheus", "logging/fluentbit", 2020),
        ("observability/prometheus", "logging/fluentd", 24231),
        ("observability/prometheus", "delivery/drone", 8080),
        ("observability/prometheus", "hunt/hunt", 9090),
        ("observability/prometheus", "scm/gitea", 9090),
        ("observability/prometheus", "kube-system/dns", 9153),
        ("observability/prometheus", observed.API, API_PORT),
        ("observability/prometheus", NODE, 10250),
        ("observability/alertmanager", REGISTRY, 587),
        ("observability/loki", REGISTRY, 443),
    ],
)
async def test_what_watching_needs_is_open(network: Network, source: str, target: str, port: int) -> None:
    assert await network.reaches(source, target, port)


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("team-red/site", "observability/loki", 3100),
        ("team-red/site", "observability/gateway", 8080),
        ("team-red/site", "observability/prometheus", 9090),
        ("team-red/site", "observability/alertmanager", 9093),
        ("team-red/site", "logging/fluentd", 24240),
        ("logging/fluentd", "observability/loki", 3100),
        ("logging/fluentd", "observability/prometheus", 9090),
        ("observability/grafana", "observability/alertmanager", 9093),
        ("observability/grafana", "observability/loki", 3100),
        ("observability/grafana", "delivery/drone", 8080),
        ("observability/grafana", NODE, 10250),
        ("observability/prometheus", METADATA[0], 80),
        ("observability/prometheus", REGISTRY, 443),
        ("logging/fluentbit", REGISTRY, 443),
        ("logging/logging-operator", METADATA[0], 443),
    ],
)
async def test_what_watching_does_not_need_is_closed(network: Network, source: str, target: str, port: int) -> None:
    assert not await network.reaches(source, target, port)
    ends = {place.partition("/")[0] for place in (source, target) if "/" in place}
    assert await network.reaches(source, target, port, without=" ".join(sorted(ends)))

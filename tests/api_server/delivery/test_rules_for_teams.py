"""What a team's chart may not say, told by a real API server with a team's namespace and the rules for teams on it.

No engine: what the program registers is handed to `kubectl` as it is.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pulumi
import pytest
import pytest_asyncio
from pulumi_kubernetes import Provider

from game_app.teams.admission_rules import TeamAdmissionRules
from game_app.teams.team_namespace import CLUE_POD, TeamNamespace, TeamNamespaceArgs
from rehearsal.session import claim, release
from tests.api_server.delivery.admission import type_checks
from tests.api_server.delivery.test_on_a_cluster import DEPLOYER, RESTRICTED, pod, tried
from tests.api_server.releases.site import Site
from tests.support.monitor import Graph, run

# Long enough for the tool chain to be built first.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1800)]

Tree = dict[str, Any]
PROGRAM = ""
"""The operators' own account, by which the program is there."""


def program() -> None:
    opts = pulumi.ResourceOptions(providers=[Provider("board")])
    TeamAdmissionRules("teams", ["docker.io", "registry.example"], opts=opts)
    TeamNamespace("team-red", TeamNamespaceArgs(team="red"), opts=opts)


def manifests(graph: Graph) -> list[Tree]:
    """Everything that the graph has for Kubernetes, in the order of its registration."""
    found: list[Tree] = []
    for each in graph.resources.values():
        package, _, rest = each.type.partition(":")
        if package != "kubernetes" or not rest.count(":") or "Patch" in rest:
            continue
        group, _, kind = rest.rpartition(":")
        version = group.removeprefix("core/")
        found.append({"apiVersion": version, "kind": kind, **each.inputs})
    return found


@pytest.fixture(scope="module")
def registered() -> list[Tree]:
    return manifests(run(program, preview=False))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(registered: list[Tree]) -> AsyncGenerator[Site]:
    claimed = claim(f"rules-{os.getpid()}")
    raised = Site(claimed)
    try:
        await raised.start()
        everything: Tree = {"apiVersion": "v1", "kind": "List", "items": registered}
        await raised.kubectl("apply", "--filename=-", given=everything)
        # The deployer's account and its binding are the delivery's.
        grant = ("create", "rolebinding", "deploys", "--role=deployer", f"--serviceaccount={DEPLOYER}")
        await raised.kubectl("--namespace=team-red", *grant)
        await raised.kubectl("--namespace=team-red", "create", "--filename=-", given=deployment(CLUE_POD, WITH_CLUES))
        await raised.kubectl("--namespace=team-red", "create", "configmap", "theirs")
        yield raised
    finally:
        await raised.stop()
        release(claimed)


def deployment(name: str, spec: Tree | None = None) -> Tree:
    template = {"metadata": {"labels": {"app": name}}, "spec": spec or pod(container=RESTRICTED)["spec"]}
    body = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def holding(source: Tree) -> Tree:
    """A pod's specification with one volume."""
    return pod(container=RESTRICTED, volumes=[{"name": "held", **source}])["spec"]


def saying(**container: Any) -> Tree:
    return pod(container={**RESTRICTED, **container})["spec"]


def first(**container: Any) -> Tree:
    """The same, said by a container that runs before the others."""
    begins = {"name": "first", "image": "registry.example/first:1", **RESTRICTED, **container}
    return pod(container=RESTRICTED, initContainers=[begins])["spec"]


def so(**spec: Any) -> Tree:
    return pod(container=RESTRICTED, **spec)["spec"]


WITH_CLUES = holding({"secret": {"secretName": CLUE_POD}})
OURS: Tree = {"name": "words", "valueFrom": {"secretKeyRef": {"name": CLUE_POD, "key": "logs"}}}
TOKEN: Tree = {"serviceAccountToken": {"path": "token", "audience": "https://elsewhere.example"}}
VOLUMES = "a team's volumes are"
SOURCES = "a team's projected volumes hold"
SECRETS = "a team's containers take no variables from Secrets"
ENDING = "a team's pods end within"
FORBIDDEN: Mapping[str, tuple[Tree, str]] = {
    "a Secret as a volume": (WITH_CLUES, VOLUMES),
    "a Secret for a driver": (
        holding({"csi": {"driver": "csi.example", "nodePublishSecretRef": {"name": CLUE_POD}}}),
        VOLUMES,
    ),
    "a claim": (holding({"persistentVolumeClaim": {"claimName": "mine"}}), VOLUMES),
    "a Secret among other sources": (
        holding({"projected": {"sources": [{"configMap": {"name": "theirs"}}, {"secret": {"name": CLUE_POD}}]}}),
        SOURCES,
    ),
    "a token for anybody": (holding({"projected": {"sources": [TOKEN]}}), SOURCES),
    "a Secret's key as a variable": (saying(env=[OURS]), SECRETS),
    "a Secret's key as a variable of what runs first": (first(env=[OURS]), SECRETS),
    "a Secret's keys as variables": (saying(envFrom=[{"secretRef": {"name": CLUE_POD}}]), SECRETS),
    "a Secret's keys as variables of what runs first": (first(envFrom=[{"secretRef": {"name": CLUE_POD}}]), SECRETS),
    "a Secret for pulling images": (so(imagePullSecrets=[{"name": CLUE_POD}]), "a team's pods pull images without"),
    "the players' account": (so(serviceAccountName="players"), "a team's pods have no account"),
    "the players' account, by its old name": (so(serviceAccount="players"), "a team's pods have no account"),
    "everybody's account's token": (so(automountServiceAccountToken=True), "a team's pods have no account"),
    "never ending": (so(terminationGracePeriodSeconds=99_999_999), ENDING),
    "never ending after a probe": (
        saying(livenessProbe={"exec": {"command": ["false"]}, "terminationGracePeriodSeconds": 99_999_999}),
        ENDING,
    ),
    "never ending before it began": (
        saying(startupProbe={"exec": {"command": ["false"]}, "terminationGracePeriodSeconds": 99_999_999}),
        ENDING,
    ),
    **{
        f"an image from {image}, {called}": (make(image=image), "a team's images come from docker.io, registry.example")
        for image in (
            "elsewhere.example/made:1",
            "registry.example.elsewhere.example/made:1",
            "elsewhere.example:443/registry.example/made:1",
            "registry.example:8443/made:1",
            "localhost/made:1",
            "10.32.0.1:443/made:1",
            f"172.16.0.2:10250/made@sha256:{64 * '0'}",
        )
        for called, make in (("run", saying), ("run first", first))
    },
    "limits of the pod in place of its containers'": (
        so(resources={"limits": {"cpu": "1m", "memory": "8Mi"}}),
        "a team's containers have resources, its pods have none",
    ),
}


@pytest.mark.parametrize("attack", FORBIDDEN)
async def test_a_teams_pods_have_nothing_of_ours_and_end_in_time(site: Site, attack: str) -> None:
    spec, said = FORBIDDEN[attack]
    assert f"denied request: {said}" in await tried(site, deployment("camp", spec), "team-red", DEPLOYER)
    # Where no such lock is, the same Deployment is taken.
    assert "created" in await tried(site, deployment("camp", spec), "default")


ALLOWED: Mapping[str, Tree] = {
    "nothing but a container": saying(),
    "a folder": holding({"emptyDir": {}}),
    "its own ConfigMap": holding({"configMap": {"name": "theirs"}}),
    "its own name": holding({"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}}),
    "both": holding({"projected": {"sources": [{"configMap": {"name": "theirs"}}]}}),
    "a ConfigMap's keys as variables": saying(envFrom=[{"configMapRef": {"name": "theirs"}}]),
    "a variable": saying(env=[{"name": "a", "value": "b"}]),
    **{
        f"an image of {image}": saying(image=image)
        for image in (
            "busybox",
            "busybox:1.37.0",
            "library/busybox:1",
            "docker.io/library/busybox:1",
            "registry.example/a/b:1",
        )
    },
    "no account": so(automountServiceAccountToken=False, serviceAccountName="default"),
    "a minute to end": so(terminationGracePeriodSeconds=60),
}


@pytest.mark.parametrize("what", ALLOWED)
async def test_what_a_chart_may_say_is_taken(site: Site, what: str) -> None:
    assert "created" in await tried(site, deployment("camp", ALLOWED[what]), "team-red", DEPLOYER)


async def test_the_api_server_finds_no_fault_in_the_rules(site: Site) -> None:
    assert await type_checks(site) == {"team-services": {}, "team-deployments": {}, "team-names": {}}


RESERVED = "are the game's own: a team's chart leaves them alone"


@pytest.mark.parametrize("kind", ["deployment/clue-pod", "configmap/kube-root-ca.crt"])
@pytest.mark.parametrize(
    "change",
    [
        ("delete", "--dry-run=server"),
        ("label", "--dry-run=server", "mine=yes"),
        ("annotate", "--dry-run=server", "--overwrite", "mine=yes"),
    ],
    ids=["removed", "labelled", "annotated"],
)
async def test_what_the_program_owns_in_a_teams_namespace_no_team_may_touch(
    site: Site, kind: str, change: tuple[str, ...]
) -> None:
    verb, dry, *more = change
    who = f"--as=system:serviceaccount:{DEPLOYER}"
    refused = await site.kubectl("--namespace=team-red", who, verb, dry, kind, *more, either=True)
    assert RESERVED in refused
    await site.kubectl("--namespace=team-red", verb, dry, kind, *more)


async def test_a_name_of_the_programs_is_not_free_before_it_is_there_either(site: Site) -> None:
    await site.kubectl("--namespace=team-red", "delete", "deployment", CLUE_POD)
    try:
        assert RESERVED in await tried(site, deployment(CLUE_POD), "team-red", DEPLOYER)
    finally:
        # The program's own has a Secret, which no team's has.
        made = await site.kubectl(
            "--namespace=team-red", "create", "--filename=-", given=deployment(CLUE_POD, WITH_CLUES)
        )
    assert "created" in made


@pytest.mark.parametrize("limits", [{"cpu": "0"}, {"memory": "0"}, {"ephemeral-storage": "0"}])
@pytest.mark.parametrize("make", [saying, first])
async def test_a_container_without_a_limit_counts_for_the_quota(site: Site, limits: Tree, make: Any) -> None:
    manifest = pod()
    manifest["spec"] = make(resources={"limits": limits})
    [kind] = limits
    assert f"minimum {kind} usage per Container" in await tried(site, manifest, "team-red")
    assert "created" in await tried(site, manifest, "default")


@pytest.mark.parametrize(
    "resources",
    [
        {},
        # What drone-runner-kube asks for each container but the first of a build.
        {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        {"limits": {"memory": "16Mi"}, "requests": {"cpu": "10m", "memory": "16Mi"}},
    ],
    ids=["none", "a build's", "the clue pod's"],
)
async def test_little_is_enough(site: Site, resources: Tree) -> None:
    manifest = pod()
    manifest["spec"] = saying(resources=resources)
    assert "created" in await tried(site, manifest, "team-red")

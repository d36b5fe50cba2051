"""What a team's chart may not hold, by the word of a real API server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.api_server.delivery.admission import type_checks
from tests.api_server.delivery.test_on_a_cluster import DEPLOYER, RESTRICTED, pod, tried
from tests.api_server.releases.site import Site

# Long enough for the tool chain to be built first.
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(1800)]

Tree = dict[str, Any]
Fell = Callable[[str], None]


def of_a_team(**changes: Any) -> Tree:
    """A Deployment as a team's chart holds it, whose pods have no rights."""
    template = {"metadata": {"labels": {"app": "camp"}}, "spec": pod(container=RESTRICTED, **changes)["spec"]}
    spec = {"selector": {"matchLabels": {"app": "camp"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "camp"}, "spec": spec}


def a_service(**spec: Any) -> Tree:
    made = {"selector": {"app": "camp"}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "camp"}, "spec": made}


def apart(kind: str, *, preferred: bool = False, **where: Any) -> Tree:
    """Affinity to pods of other namespaces."""
    term: Tree = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "camp"}}, **where}
    rules: Tree = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}
    return {kind: rules if preferred else {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


EVERYWHERE: Tree = {"namespaceSelector": {}}
NEAR = "pods are near or far from pods of its own namespace only"
BEYOND: Mapping[str, tuple[Tree, str]] = {
    "another's address": (a_service(externalIPs=["192.0.2.20"]), "Service names no externalIPs"),
    "another's name": (
        a_service(type="ExternalName", externalName="git.hunt.example.org"),
        "Service has the type ClusterIP",
    ),
    "a node's port": (a_service(type="NodePort"), "Service has the type ClusterIP"),
    "a load balancer": (a_service(type="LoadBalancer"), "Service has the type ClusterIP"),
    "above the platform": (of_a_team(priorityClassName="system-cluster-critical"), "pods name no priorityClassName"),
    "above the nodes": (of_a_team(priorityClassName="system-node-critical"), "pods name no priorityClassName"),
    "past the scheduler": (of_a_team(nodeName="scw-charts-main-1"), "pods name no nodeName"),
    "others' nodes": (of_a_team(tolerations=[{"operator": "Exists"}]), "pods have no tolerations"),
    "keeping others away": (of_a_team(affinity=apart("podAntiAffinity", **EVERYWHERE)), NEAR),
    "pushing others away": (
        of_a_team(affinity=apart("podAntiAffinity", preferred=True, namespaces=["scm"])),
        NEAR,
    ),
    "beside others": (of_a_team(affinity=apart("podAffinity", namespaces=["scm"])), NEAR),
    "nearer to others": (
        of_a_team(affinity=apart("podAffinity", preferred=True, **EVERYWHERE)),
        NEAR,
    ),
}
"""What a team's chart could take from the others, and what the API server says to it."""


@pytest.mark.parametrize("attack", BEYOND)
async def test_t30_a_teams_chart_takes_nothing_beyond_its_namespace(site: Site, fell: Fell, attack: str) -> None:
    manifest, said = BEYOND[attack]
    assert f"denied request: a team's {said}" in await tried(site, manifest, "team-red", DEPLOYER)
    assert "created" in await tried(site, manifest, "default")
    fell("a team's chart reached beyond its namespace")


@pytest.mark.parametrize(
    "manifest",
    [a_service(), of_a_team(), of_a_team(affinity=apart("podAntiAffinity"))],
    ids=["a Service", "a Deployment", "pods apart from each other"],
)
async def test_what_a_chart_is_made_of_is_taken_from_a_team(site: Site, manifest: Tree) -> None:
    assert "created" in await tried(site, manifest, "team-red", DEPLOYER)


async def test_the_api_server_finds_no_fault_in_the_rules_for_teams(site: Site) -> None:
    assert await type_checks(site) == {"team-services": {}, "team-deployments": {}, "team-names": {}}


async def test_t27_a_team_cannot_fill_the_clusters_database_with_objects(site: Site, fell: Fell) -> None:
    label: Tree = {"labels": {"example.org/purpose": "filling"}}
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"filling-{number}", **label}}
        for number in range(13)
    ]
    many: Tree = {"apiVersion": "v1", "kind": "List", "items": objects}
    try:
        for namespace, refused in (("team-blue", True), ("default", False)):
            said = await site.kubectl("create", "--filename=-", f"--namespace={namespace}", given=many, either=True)
            assert ("exceeded quota: quota, requested: count/configmaps=1" in said) is refused
        fell("as many objects were kept as came")
    finally:
        for namespace in ("team-blue", "default"):
            await site.kubectl(
                "delete", "configmaps", f"--namespace={namespace}", "--selector=example.org/purpose=filling"
            )

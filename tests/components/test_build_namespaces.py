"""Namespaces in which builds run, and rights of deployments: T21, T22, T25 and T28 of the attack suite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from game_app.delivery.runner_policies import DENIED, DEPLOYMENT, TRUSTS, UNTRUSTED, Trust
from tests.components.deliveries import BUILD_NAMESPACES, TEAMS, delivery, peers, within
from tests.support.kube_runner import policy_for
from tests.support.monitor import Graph, graph_of
from tests.support.programs import API_ADDRESSES


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(delivery, preview)


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
@pytest.mark.parametrize(("repository", "kind"), [("portal", "component"), ("team-red", "team")])
def test_t21_where_a_pipeline_runs_there_is_room_for_its_pod_and_those_that_end(
    graph: Graph, trust: Trust, repository: str, kind: str
) -> None:
    steps = yaml.safe_load(graph["delivery-guard-pipelines"].inputs["data"][f"{kind}.{trust.event}.yaml"])["steps"]
    text = graph[f"delivery-runner-{trust.name}-policies"].inputs["data"]["policies.yaml"]
    policy = policy_for(text, f"game/{repository}", trust.event)
    limit = policy["resources"]["limit"]
    assert limit == {"cpu": 1000, "memory": "1GiB"}
    hard = within(graph, "ResourceQuota", policy["metadata"]["namespace"])[0].inputs["spec"]["hard"]
    assert int(hard["pods"]) >= 3, "who changes a pull request twice in a minute has two that end"
    containers = int(hard["pods"]) * len(steps)
    assert (hard["limits.cpu"], hard["limits.memory"]) == (str(containers), f"{containers}Gi")
    assert hard["limits.ephemeral-storage"] == f"{2 * containers}Gi"


@pytest.mark.parametrize("build_namespace", [*BUILD_NAMESPACES, DENIED])
def test_t21_where_builds_run_they_are_held(graph: Graph, build_namespace: str) -> None:
    namespace = next(
        each
        for each in graph.of_type("kubernetes:core/v1:Namespace")
        if each.inputs["metadata"]["name"] == build_namespace
    )
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    hard = within(graph, "ResourceQuota", build_namespace)[0].inputs["spec"]["hard"]
    assert {"pods", "limits.cpu", "limits.memory", "limits.ephemeral-storage"} <= set(hard)
    limits = within(graph, "LimitRange", build_namespace)[0].inputs["spec"]["limits"][0]
    assert "ephemeral-storage" in limits["default"]
    assert set(limits["min"]) == set(limits["max"])
    accounts = within(graph, "ServiceAccount", build_namespace)
    expected = build_namespace.startswith(DEPLOYMENT.prefix)
    assert [account.inputs["automountServiceAccountToken"] for account in accounts] == [expected]
    specs = {
        each.inputs["metadata"]["name"]: each.inputs["spec"] for each in within(graph, "NetworkPolicy", build_namespace)
    }
    assert set(specs["default-deny"]["policyTypes"]) == {"Ingress", "Egress"}
    assert specs["default-deny"]["podSelector"] == {}
    assert not any(spec["ingress"] for spec in specs.values())


@pytest.mark.parametrize("repository", ["portal", *TEAMS])
def test_t21_t25_a_pull_requests_build_reaches_names_and_the_source_control_and_no_address(
    graph: Graph, repository: str
) -> None:
    reached = peers(graph, f"{UNTRUSTED.prefix}{repository}")
    assert not [peer for peer in reached if "ipBlock" in peer], "no metadata service, no API, no node, no internet"
    assert {peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in reached} == {
        "kube-system",
        "scm",
    }


def test_t21_t25_no_build_reaches_the_metadata_service_or_another_private_address(graph: Graph) -> None:
    for build_namespace in BUILD_NAMESPACES:
        for peer in peers(graph, build_namespace):
            block = peer.get("ipBlock", {"cidr": API_ADDRESSES[0]})
            if block["cidr"] == "0.0.0.0/0":
                private = {"169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}
                assert set(block["except"]) >= {*private, API_ADDRESSES[0]}
            else:
                assert block["cidr"] == API_ADDRESSES[0], "the cluster's API, for a deployment"
            assert ":" not in block["cidr"], "IPv6 stays closed"


def test_t25_t28_a_teams_deployment_has_no_way_to_the_internet_or_the_image_builder(graph: Graph) -> None:
    reached = peers(graph, "cd-team-red")
    assert not [peer for peer in reached if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0"]
    assert "buildkit" not in json.dumps(reached)
    assert "buildkit" in json.dumps(peers(graph, "cd-portal"))


def test_t22_a_deployment_has_rights_in_its_own_target_only(graph: Graph) -> None:
    bindings = {
        (binding.inputs["subjects"][0]["namespace"], binding.inputs["metadata"]["namespace"])
        for binding in graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
        if binding.inputs["subjects"][0]["name"] == "deployer"
    }
    assert bindings == {
        ("cd-team-red", "team-red"),
        ("cd-team-blue", "team-blue"),
        ("cd-portal", "game"),
        ("cd-portal", "cd-portal"),
    }


def test_t22_nobody_is_let_in_anywhere(graph: Graph) -> None:
    for binding in graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"):
        names = {subject["name"] for subject in binding.inputs["subjects"]}
        assert not names & {"nobody", "default"}
        assert {subject["kind"] for subject in binding.inputs["subjects"]} == {"ServiceAccount"}


ISOLATION_KINDS = {
    "networkpolicies",
    "resourcequotas",
    "limitranges",
    "roles",
    "rolebindings",
    "serviceaccounts",
    "pods/exec",
}


def test_t22_a_components_deployment_cannot_change_its_own_isolation(graph: Graph) -> None:
    rules: Sequence[dict[str, Any]] = graph["delivery-deployer-role"].inputs["rules"]
    kinds = {kind for rule in rules for kind in rule["resources"]}
    assert not kinds & (ISOLATION_KINDS | {"*", "serviceaccounts/token"})


def test_t28_only_a_components_deployment_has_the_registrys_password(graph: Graph) -> None:
    holders = {
        resource.inputs["metadata"]["namespace"]
        for resource in graph.of_type("kubernetes:core/v1:Secret")
        if "config.json" in (resource.inputs.get("stringData") or {})
    }
    assert holders == {"cd-portal"}
    role = graph["delivery-portal-credentials-role"].inputs["rules"][0]
    assert (role["resourceNames"], role["verbs"]) == (["delivery"], ["get"])

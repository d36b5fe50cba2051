"""Namespaces of the teams, as the program registers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes import Provider

from game_app.teams.admission_rules import TeamAdmissionRules
from game_app.teams.team_namespace import TeamNamespace, TeamNamespaceArgs
from tests.support.monitor import Graph, run
from tests.support.policies import policies


def namespaces(*teams: str) -> None:
    provider = Provider("board")
    TeamAdmissionRules("teams", ["docker.io"], opts=pulumi.ResourceOptions(providers=[provider]))
    for team in teams:
        TeamNamespace(
            f"team-{team}",
            TeamNamespaceArgs(team=team),
            opts=pulumi.ResourceOptions(providers=[provider]),
        )


@pytest.fixture
def graph(preview: bool) -> Graph:
    return run(lambda: namespaces("red", "blue"), preview=preview)


def rules(graph: Graph, role: str) -> set[tuple[str, str, str]]:
    """(API group, kind, verb) of everything that a Role allows."""
    given: Sequence[dict[str, Any]] = graph[role].inputs["rules"]
    return {
        (group, kind, verb)
        for rule in given
        for group in rule["apiGroups"]
        for kind in rule["resources"]
        for verb in rule["verbs"]
    }


def test_everything_of_a_team_lies_in_its_own_namespace(graph: Graph) -> None:
    for resource in graph.resources.values():
        if resource.custom and resource.parent == "team-red" and "core/v1:Namespace" not in resource.type:
            assert resource.inputs["metadata"]["namespace"] == "team-red", resource.name


def test_t22_a_teams_pods_must_be_restricted(graph: Graph) -> None:
    labels = graph["team-red-namespace-object"].inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_teams_network_is_closed_but_for_names_its_own_pods_and_the_ingress_controller(graph: Graph) -> None:
    specs = policies(graph, "team-red")
    assert specs.keys() == {"default-deny", "allow-dns", "allow-same-namespace", "allow-ingress-controller"}
    assert all(spec["podSelector"] == {} for spec in specs.values())
    assert set(specs["default-deny"]["policyTypes"]) == {"Ingress", "Egress"}
    dns, inside = (rule for spec in specs.values() for rule in spec["egress"])
    assert dns["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert inside == {"to": [{"podSelector": {}}]}
    inside, controller = (rule for spec in specs.values() for rule in spec["ingress"])
    assert inside == {"from": [{"podSelector": {}}]}
    assert controller["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ingress"}


def test_a_team_cannot_use_more_than_its_share(graph: Graph) -> None:
    hard = graph["team-red-namespace-quota"].inputs["spec"]["hard"]
    assert {"pods", "limits.cpu", "limits.memory", "limits.ephemeral-storage"} <= set(hard)
    assert hard["services.loadbalancers"] == hard["services.nodeports"] == "0"
    limits = graph["team-red-namespace-limits"].inputs["spec"]["limits"][0]
    assert set(limits["default"]) == set(limits["max"]) == {"cpu", "memory", "ephemeral-storage"}
    # A limit of 0 would be none, and the quota would count nothing.
    assert set(limits["min"]) == set(limits["max"])
    assert not [value for value in limits["min"].values() if value.startswith("0")]


def test_t27_whatever_a_team_may_make_is_counted_and_what_comes_of_it_too(graph: Graph) -> None:
    hard = graph["team-red-namespace-quota"].inputs["spec"]["hard"]
    counted = {key.removeprefix("count/") for key in hard if "/" in key}
    made = {
        f"{kind}.{group}" if group else kind
        for group, kind, verb in rules(graph, "team-red-deploy-role")
        if verb == "create"
    }
    assert counted == {*made, "replicasets.apps", "pods"}


def test_t30_every_kind_that_a_team_may_make_and_that_reaches_beyond_its_namespace_has_rules(graph: Graph) -> None:
    policies = graph.of_type("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy")
    ruled: set[str] = set()
    for policy in policies:
        match = policy.inputs["spec"]["matchConstraints"]
        ruled |= {kind for rule in match["resourceRules"] for kind in rule["resources"]}
        for team in ("red", "blue"):
            labels = graph[f"team-{team}-namespace-object"].inputs["metadata"]["labels"]
            assert match["namespaceSelector"]["matchLabels"].items() <= labels.items()
    made = {kind for _, kind, verb in rules(graph, "team-red-deploy-role") if verb == "create"}
    assert ruled == made
    bound = graph.of_type("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding")
    named = {policy.inputs["metadata"]["name"] for policy in policies}
    assert {each.inputs["spec"]["policyName"] for each in bound} <= named | {None}
    assert [each.inputs["spec"]["validationActions"] for each in bound] == [["Deny"]] * len(policies)


WRITES = {"create", "update", "patch", "delete", "deletecollection", "*", "bind", "escalate", "impersonate"}
FORBIDDEN = {
    "networkpolicies",
    "resourcequotas",
    "limitranges",
    "roles",
    "rolebindings",
    "serviceaccounts",
    "serviceaccounts/token",
    "secrets",
    "pods/exec",
    "pods/attach",
    "pods/portforward",
    "ingresses",
    "jobs",
    "daemonsets",
    "*",
}


def test_t22_a_deployment_may_change_what_a_chart_is_made_of_and_none_of_its_own_isolation(graph: Graph) -> None:
    allowed = rules(graph, "team-red-deploy-role")
    assert {kind for _, kind, verb in allowed if verb in WRITES} == {"configmaps", "services", "deployments"}
    assert not {kind for _, kind, _ in allowed} & FORBIDDEN
    assert "*" not in {group for group, _, _ in allowed}


def test_players_read_and_change_nothing(graph: Graph) -> None:
    allowed = rules(graph, "team-red-read-role")
    assert ("", "pods/log", "get") in allowed
    assert {verb for _, _, verb in allowed} == {"get", "list", "watch"}
    assert not {kind for _, kind, _ in allowed} & FORBIDDEN


def test_no_right_of_a_team_reaches_the_whole_cluster(graph: Graph) -> None:
    assert not [resource.name for resource in graph.resources.values() if "ClusterRole" in resource.type]
    for binding in graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"):
        assert {subject["kind"] for subject in binding.inputs["subjects"]} == {"ServiceAccount"}
        namespace = binding.inputs["metadata"]["namespace"]
        assert {subject["namespace"] for subject in binding.inputs["subjects"]} == {namespace}


def test_no_pod_of_a_team_gets_an_account_by_itself(graph: Graph) -> None:
    assert graph["team-red-players"].inputs["automountServiceAccountToken"] is False


@pytest.mark.parametrize("other", ["green", "a", "zz"])
def test_adding_a_team_touches_nothing_of_the_others(preview: bool, other: str) -> None:
    before = run(lambda: namespaces("red", "blue"), preview=preview)
    after = run(lambda: namespaces(*sorted(("red", "blue", other))), preview=preview)
    new = set(after.resources) - set(before.resources)
    assert set(before.resources) <= set(after.resources)
    assert all(name.startswith(f"team-{other}") for name in new)
    for name, resource in before.resources.items():
        assert after[name].inputs == resource.inputs, name
        assert after[name].depends_on == resource.depends_on, name


def test_removing_a_team_leaves_the_others(preview: bool) -> None:
    after = run(lambda: namespaces("red"), preview=preview)
    assert not [name for name in after.resources if "blue" in name]

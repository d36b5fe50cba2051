"""NetworkPolicies, and the namespace that has them."""

from __future__ import annotations

import pulumi
import pytest
from pulumi_kubernetes import Provider

from common.namespaces import SecureNamespace, SecureNamespaceArgs
from common.network_policies import NetworkRule, allow_dns_egress
from tests.support.monitor import run
from tests.support.policies import policies
from tests.support.programs import SMALL_QUOTA


def program() -> None:
    namespace = SecureNamespace(
        "hunt-namespace",
        SecureNamespaceArgs(name="hunt", app="hunt", quota=SMALL_QUOTA, network_rules=[allow_dns_egress()]),
        opts=pulumi.ResourceOptions(providers=[Provider("board")]),
    )
    pulumi.export("name", namespace.name)


def test_a_rule_that_lists_no_peer_is_refused_for_kubernetes_takes_it_for_everybody() -> None:
    with pytest.raises(ValueError, match="'allow-github' lists no peer"):
        NetworkRule(name="allow-github", egress=[{"to": [], "ports": [{"port": 443}]}])
    with pytest.raises(ValueError, match="'allow-deployments' lists no peer"):
        NetworkRule(name="allow-deployments", ingress=[{"from_": []}])


def test_each_rule_is_a_policy_of_its_own_for_its_own_direction(preview: bool) -> None:
    found = policies(run(program, preview=preview), "hunt")
    assert {name: set(spec["policyTypes"]) for name, spec in found.items()} == {
        "default-deny": {"Ingress", "Egress"},
        "allow-dns": {"Egress"},
    }
    assert found["default-deny"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [],
    }


def test_what_is_put_into_the_namespace_comes_after_its_policies_and_goes_before_them(preview: bool) -> None:
    graph = run(program, preview=preview)
    quota = graph["hunt-namespace-quota"]
    assert quota.depends_on >= {"hunt-namespace-default-deny", "hunt-namespace-allow-dns"}
    assert quota.inputs["metadata"]["namespace"] == "hunt"

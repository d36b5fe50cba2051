"""NetworkPolicies of a SecureNamespace, as the program registers them."""

from __future__ import annotations

from typing import Any, Literal

from tests.support.monitor import Graph


def policies(graph: Graph, owner: str) -> dict[str, dict[str, Any]]:
    """Name of each NetworkPolicy to its specification. owner: name of the component that has the namespace."""
    return {
        each.inputs["metadata"]["name"]: each.inputs["spec"]
        for each in graph.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if each.parent == f"{owner}-namespace"
    }


def rules(graph: Graph, owner: str, direction: Literal["ingress", "egress"]) -> list[dict[str, Any]]:
    """What the policies allow together."""
    return [rule for spec in policies(graph, owner).values() for rule in spec[direction]]

"""What every namespace on a board has, whichever part of the program makes it."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from pulumi.runtime import set_all_config

from tests.support import programs
from tests.support.example import complete
from tests.support.monitor import Graph, Registered, graph_of

ROOT = Path(__file__).parents[2]
LEVEL = "pod-security.kubernetes.io/enforce"
PRIVILEGED = {"buildkit", "logging"}
"""One makes user namespaces of its own, the other reads the nodes' own log files; no stricter level lets them in."""

Place = tuple[str, str]
"""Provider and name of a namespace: two boards have some of the same name."""


def the_whole_game() -> None:
    """Every part of it: two boards, Rancher, observability, teams and components."""
    values = complete()
    set_all_config(
        {f"shambhala:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()},
        [f"shambhala:{key}" for key, value in values.items() if not isinstance(value, str)],
    )
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


@pytest.fixture(params=[the_whole_game, programs.game_app_at_github], ids=lambda program: program.__name__)
def graph(request: pytest.FixtureRequest) -> Graph:
    program: Callable[[], object] = request.param
    return graph_of(program, False)


def namespaces(graph: Graph) -> dict[Place, str]:
    """Every namespace, and the level of Pod Security that it demands."""
    return {
        (made.provider, made.inputs["metadata"]["name"]): made.inputs["metadata"]["labels"].get(LEVEL, "none")
        for made in graph.of_type("kubernetes:core/v1:Namespace")
    }


def places(resources: Iterable[Registered]) -> set[Place]:
    return {(made.provider, made.inputs["metadata"]["namespace"]) for made in resources}


def test_the_games_namespaces_are_all_seen(graph: Graph) -> None:
    seen = {name for _, name in namespaces(graph)}
    assert {"game", "scm", "delivery", "guard", "hunt", "runners", "team-red", "ci-team-red", "cd-team-red"} <= seen


def test_every_namespace_refuses_pods_with_rights(graph: Graph) -> None:
    loose = {name for (_, name), level in namespaces(graph).items() if level not in {"baseline", "restricted"}}
    assert loose - PRIVILEGED == set()


def test_every_namespace_is_closed_in_both_directions_for_every_pod_but_for_what_is_listed(graph: Graph) -> None:
    closing = places(
        policy
        for policy in graph.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if policy.inputs["spec"]["podSelector"] == {}
        and set(policy.inputs["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    )
    assert namespaces(graph).keys() - closing == set()


@pytest.mark.parametrize("kind", ["ResourceQuota", "LimitRange"])
def test_every_namespace_has_its_share_and_no_container_is_without_a_limit(graph: Graph, kind: str) -> None:
    assert namespaces(graph).keys() - places(graph.of_type(f"kubernetes:core/v1:{kind}")) == set()


def test_no_namespace_gives_a_token_to_a_pod_that_names_no_account(graph: Graph) -> None:
    withheld = places(
        account
        for account in graph.of_type("kubernetes:core/v1:ServiceAccountPatch")
        if account.inputs["metadata"]["name"] == "default" and account.inputs["automountServiceAccountToken"] is False
    )
    assert namespaces(graph).keys() - withheld == set()

"""Drone's runners as the program registers them: T19, T20 and T27 of the attack suite."""

from __future__ import annotations

import pytest
import yaml

from game_app.build_limits import LONGEST_BUILD_TIMEOUT_MINUTES
from game_app.delivery.drone_runner import MAX_CAPACITY
from game_app.delivery.runner_policies import DENIED, DEPLOYMENT, TRUSTS, UNTRUSTED, Trust, policy_file
from tests.components.deliveries import BUILD_NAMESPACES, TEAMS, delivery, environment, within
from tests.support.kube_runner import policy_for
from tests.support.monitor import Graph, graph_of, run


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(delivery, preview)


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
def test_t19_each_repository_and_event_has_one_namespace_and_all_else_has_none(graph: Graph, trust: Trust) -> None:
    text = graph[f"delivery-runner-{trust.name}-policies"].inputs["data"]["policies.yaml"]
    for repository in ("portal", *TEAMS):
        policy = policy_for(text, f"game/{repository}", trust.event)
        assert policy["metadata"]["namespace"] == f"{trust.prefix}{repository}"
        assert policy["service_account"] == trust.account
    for repository, event in [("game/other", trust.event), ("ada/team-red", trust.event), ("game/team-red", "tag")]:
        assert policy_for(text, repository, event)["metadata"]["namespace"] == DENIED
    other = DEPLOYMENT if trust is UNTRUSTED else UNTRUSTED
    assert policy_for(text, "game/team-red", other.event)["metadata"]["namespace"] == DENIED


def test_t19_a_word_that_the_runner_does_not_know_would_let_everybody_everywhere() -> None:
    ours = policy_file(UNTRUSTED, "game", ["team-red", "team-blue"])
    misspelt = policy_for(ours.replace('"repo"', '"repos"'), "ada/anything", "pull_request")
    assert misspelt["metadata"]["namespace"] == "ci-team-red"
    assert policy_for(ours, "ada/anything", "pull_request")["metadata"]["namespace"] == DENIED
    known = [policy for policy in yaml.safe_load_all(ours) if policy]
    assert {key for policy in known for key in policy.get("match", {})} == {"repo", "event"}


def test_t19_where_an_unknown_build_ends_no_pod_can_start(graph: Graph) -> None:
    assert within(graph, "ResourceQuota", DENIED)[0].inputs["spec"]["hard"]["pods"] == "0"


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
def test_t20_a_runner_takes_its_own_builds_only_and_gives_away_nothing(graph: Graph, trust: Trust) -> None:
    env = environment(graph, f"delivery-runner-{trust.name}-deployment")
    assert env["DRONE_RUNNER_LABELS"] == f"trust:{trust.name}"
    assert env["DRONE_LIMIT_EVENTS"] == trust.event
    assert env["DRONE_LIMIT_REPOS"] == "game/*"
    assert env["DRONE_NETRC_CLONE_ONLY"] == "true"
    assert env["DRONE_TMATE_ENABLED"] == "false"
    assert env["DRONE_NAMESPACE_DEFAULT"] == DENIED
    assert env["DRONE_POLICY_FILE"] == "/etc/runner/policies.yaml"
    assert "DRONE_RUNNER_PRIVILEGED_IMAGES" not in env
    assert "DRONE_SECRET_PLUGIN_ENDPOINT" not in env
    assert not env["DRONE_IMAGE_CLONE"].endswith(":latest")


def test_t20_every_pipeline_goes_to_the_runner_of_its_own_event(graph: Graph) -> None:
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        if name.endswith(".yaml"):
            trust = next(trust for trust in TRUSTS if name.endswith(f".{trust.event}.yaml"))
            assert yaml.safe_load(text)["node"] == {"trust": trust.name}, name


def test_t27_each_repository_has_a_place_in_both_runners_and_one_build_at_a_time(graph: Graph) -> None:
    for trust in TRUSTS:
        places = environment(graph, f"delivery-runner-{trust.name}-deployment")["DRONE_RUNNER_CAPACITY"]
        assert places == str(len(["portal", *TEAMS]))
        asks = environment(graph, f"delivery-runner-{trust.name}-deployment")["DRONE_KUBE_CLIENT_QPS"]
        assert int(asks) >= MAX_CAPACITY / 2, "with fewer the places would wait for each other"
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        if name.endswith(".yaml"):
            assert yaml.safe_load(text)["concurrency"] == {"limit": 1}, name


def test_the_places_of_a_runner_end_at_what_the_board_bears(preview: bool) -> None:
    graph = run(lambda: delivery(*(f"team-{number}" for number in range(MAX_CAPACITY))), preview=preview)
    assert environment(graph, "delivery-runner-deploy-deployment")["DRONE_RUNNER_CAPACITY"] == str(MAX_CAPACITY)


def test_t20_a_runner_has_rights_where_its_builds_run_and_nowhere_else(graph: Graph) -> None:
    assert not [resource.name for resource in graph.resources.values() if "ClusterRole" in resource.type]
    for trust in TRUSTS:
        bound = {
            binding.inputs["metadata"]["namespace"]
            for binding in graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
            if binding.inputs["subjects"][0]["name"] == f"runner-{trust.name}"
        }
        assert bound == {each for each in BUILD_NAMESPACES if each.startswith(trust.prefix)}


def test_t20_no_build_runs_beside_the_runners(graph: Graph) -> None:
    namespaces = {each.inputs["metadata"]["name"] for each in graph.of_type("kubernetes:core/v1:Namespace")}
    assert {"runners", "delivery", "guard", DENIED, *BUILD_NAMESPACES, "buildkit"} == namespaces
    for name in ("delivery-runner-untrusted-account", "delivery-runner-deploy-account"):
        assert graph[name].inputs["metadata"]["namespace"] == "runners"


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
def test_a_runner_that_is_replaced_sees_its_builds_to_their_end_while_the_next_takes_over(
    graph: Graph, trust: Trust
) -> None:
    spec = graph[f"delivery-runner-{trust.name}-deployment"].inputs["spec"]
    # The runner, told to end, waits for its builds: drone/runner-go, poller/poller.go.
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 60 * LONGEST_BUILD_TIMEOUT_MINUTES
    assert "strategy" not in spec, "by itself Kubernetes starts the new one first"
    hard = within(graph, "ResourceQuota", "runners")[0].inputs["spec"]["hard"]
    assert int(hard["pods"]) >= 16, "some teams are added while builds of before still run"
    assert int(hard["limits.cpu"]) >= 16

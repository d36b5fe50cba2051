"""Continuous deployment as the program registers it: the guard's pods, secrets, and what an added team changes."""

from __future__ import annotations

import pytest

from common.keys import derived
from game_app.delivery.runner_policies import TRUSTS
from tests.components.deliveries import MASTER, PASSWORD, container, delivery, written
from tests.support.monitor import Graph, graph_of, run
from tests.support.policies import rules


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(delivery, preview)


def test_t18_drone_holds_no_secret_of_a_deployment(graph: Graph) -> None:
    assert not [resource.name for resource in graph.resources.values() if "drone:" in resource.type.lower()]
    for pipeline in graph["delivery-guard-pipelines"].inputs["data"].values():
        assert "from_secret" not in pipeline


def test_t25_only_drones_server_reaches_the_guard_and_the_guard_reaches_nobody(graph: Graph) -> None:
    assert not rules(graph, "delivery-guard", "egress")
    callers = [peer for rule in rules(graph, "delivery-guard", "ingress") for peer in rule["from"]]
    assert callers == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "delivery"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "drone"}},
        }
    ]


def test_the_guard_outlives_the_loss_of_a_node(graph: Graph) -> None:
    assert graph["delivery-guard-deployment"].inputs["spec"]["replicas"] == 2
    assert graph["delivery-guard-disruption-budget"].inputs["spec"]["minAvailable"] == 1


def test_a_guard_that_is_replaced_answers_until_nobody_asks_it_any_more(graph: Graph) -> None:
    assert container(graph, "delivery-guard-deployment")["lifecycle"]["preStop"] == {
        "exec": {"command": ["sleep", "5"]}
    }
    assert "strategy" not in graph["delivery-guard-deployment"].inputs["spec"], "the new one is there first"


def test_a_new_pipeline_rolls_the_guard(preview: bool) -> None:
    def fingerprint(*teams: str) -> str:
        graph = run(lambda: delivery(*teams), preview=preview)
        spec = graph["delivery-guard-deployment"].inputs["spec"]
        return str(spec["template"]["metadata"]["annotations"]["shambhala/files"])

    assert fingerprint("team-red") == fingerprint("team-red")
    assert fingerprint("team-red") != fingerprint("team-red", "team-blue")


@pytest.mark.parametrize("name", ["delivery-guard", "delivery-drone", "delivery-runner-deploy"])
def test_what_runs_for_us_has_no_rights_on_its_node(graph: Graph, name: str) -> None:
    pod = graph[f"{name}-deployment"].inputs["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    context = pod["containers"][0]["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is (name == "delivery-runner-deploy")


def test_no_secret_is_registered_in_the_clear(graph: Graph) -> None:
    hidden = [MASTER, PASSWORD, *(derived(MASTER, name) for name in ("drone-rpc", "drone-config", "postgres"))]
    for resource in graph.resources.values():
        for key, value in resource.inputs.items():
            if not any(secret == key or secret.startswith((f"{key}.", f"{key}[")) for secret in resource.secrets):
                assert not any(secret in repr(value) for secret in hidden), f"{resource.name}.{key}"


def test_adding_a_team_touches_nothing_of_the_others(preview: bool) -> None:
    before = run(lambda: delivery("team-red"), preview=preview)
    after = run(lambda: delivery("team-blue", "team-red"), preview=preview)
    changed = {name for name, old in before.resources.items() if written(after[name]) != written(old)}
    # The catalogue and the policies name every repository; their readers are rolled, each when the next one is there.
    assert changed == {
        "delivery-guard-pipelines",
        "delivery-guard-deployment",
        *(f"delivery-runner-{trust.name}-{part}" for trust in TRUSTS for part in ("policies", "deployment")),
    }
    assert all("team-blue" in name for name in set(after.resources) - set(before.resources))


def test_every_resource_has_a_component_as_its_parent_and_a_provider(graph: Graph) -> None:
    components = {component.name for component in graph.components}
    for resource in graph.resources.values():
        if resource.custom and not resource.type.startswith("pulumi:providers:"):
            assert resource.parent in components, resource.name
            assert resource.provider == "board", resource.name
    for component in graph.components:
        assert graph.outputs.get(component.name), component.name

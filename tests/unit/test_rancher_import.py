"""A board joins Rancher, as the engine gets it."""

from __future__ import annotations

from functools import partial

import pytest
import yaml

from board.rancher_import import prepared, reached_at
from tests.support import programs
from tests.support.monitor import Graph, run

MANIFEST = """
---
apiVersion: v1
kind: Namespace
metadata: {name: cattle-system}
---
apiVersion: v1
kind: Secret
metadata: {name: cattle-credentials-1, namespace: cattle-system, annotations: {a: b}}
---
"""


@pytest.fixture
def graph(preview: bool) -> Graph:
    return run(programs.managed_board, preview=preview)


def test_rancher_lets_go_of_a_board_before_anything_of_it_goes(graph: Graph) -> None:
    cluster = graph["blue-rancher-cluster"]
    assert {
        "blue-ingress-controller",
        "blue-cert-manager-release",
        "blue-cert-manager-issuer-own",
    } <= cluster.depends_on
    assert cluster.inputs["name"] == "shambhala-dev-blue"
    assert cluster.provider == "rancher"


def test_a_board_is_active_in_rancher_only_with_its_agent_and_for_that_no_hand_is_needed(graph: Graph) -> None:
    assert "blue-rancher-cluster" in graph["blue-rancher-manifest"].depends_on
    assert "blue-rancher-manifest" in graph["blue-rancher-agent"].depends_on
    assert "blue-rancher-agent" in graph["blue-rancher-active"].depends_on
    assert graph["blue-rancher-agent"].type == "kubernetes:yaml/v2:ConfigGroup"


def test_a_board_joins_another_rancher_anew() -> None:
    graph = run(programs.managed_board, preview=False)
    assert graph["blue-rancher-cluster"].options.replacement_trigger.string_value == "its data"


def test_each_wait_for_rancher_ends(graph: Graph) -> None:
    assert graph["blue-rancher-cluster"].options.customTimeouts.delete == "10m"
    assert graph["blue-rancher-active"].options.customTimeouts.create == "10m"


def test_what_rancher_knows_goes_with_its_machine_and_the_agent_with_the_board(graph: Graph) -> None:
    assert graph["blue-rancher-cluster"].deleted_with == "machine"
    assert graph["blue-rancher-active"].deleted_with == "machine"
    # The engine hands it down to what the component makes.
    assert graph["blue-rancher"].deleted_with == "blue-kapsule-cluster"


def test_the_agent_stays_until_rancher_takes_it_away_where_a_board_goes_on_without_rancher(graph: Graph) -> None:
    assert graph["blue-rancher-agent"].deleted_with == "blue-rancher-cluster"


def test_the_token_with_which_a_board_joins_is_shown_nowhere(graph: Graph) -> None:
    manifest, agent = graph["blue-rancher-manifest"], graph["blue-rancher-agent"]
    assert "stdin" in manifest.secrets
    assert "a-token" not in repr({key: value for key, value in manifest.inputs.items() if key != "stdin"})
    assert manifest.inputs["logging"] == "none"
    assert "stdout" in manifest.options.additionalSecretOutputs
    assert agent.inputs.get("yaml") is None or "yaml" in agent.secrets
    assert set(graph["blue-rancher-cluster"].options.additionalSecretOutputs) >= {"clusterRegistrationToken"}


def test_the_manifest_is_read_where_the_program_reaches_rancher_and_with_what_it_trusts_there() -> None:
    graph = run(partial(programs.managed_board, ca_certs="-----a certificate-----"), preview=False)
    assert (
        graph["blue-rancher-manifest"]
        .inputs["stdin"]
        .endswith("\n\nmain('https://rancher.example/v3/import/a-token_c-blue.yaml', '-----a certificate-----')\n")
    )
    assert reached_at("http://127.0.0.1:8080/", "https://elsewhere/v3/import/x.yaml") == (
        "http://127.0.0.1:8080/v3/import/x.yaml"
    )


def test_ranchers_namespace_is_closed_like_every_other_but_for_what_the_agent_needs(graph: Graph) -> None:
    assert graph["blue-rancher-default-deny"].inputs["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "blue-rancher-agent" in graph["blue-rancher-default-deny"].depends_on
    [allowed] = graph["blue-rancher-allow-apiserver-ingress"].inputs["spec"]["ingress"]
    assert {port["port"] for port in allowed["ports"]} == {444, 9443}


def test_the_manifest_stays_as_rancher_wrote_it_but_for_labels_and_whose_word_counts() -> None:
    namespace, secret = yaml.safe_load_all(prepared(MANIFEST))
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert secret["metadata"]["annotations"] == {"a": "b", "pulumi.com/patchForce": "true"}
    assert "labels" not in secret["metadata"]


def test_a_board_without_rancher_has_nothing_of_it(preview: bool) -> None:
    graph = run(programs.board, preview=preview)
    assert not [name for name in graph.resources if "rancher" in name]

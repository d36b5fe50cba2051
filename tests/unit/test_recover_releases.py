"""What becomes of a Helm release, by what Helm's store and the state say of it."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import yaml
from lightkube import Client
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from cli.recover import helm_releases
from cli.recover.helm_releases import RELEASE, Fate, Place, look

PROVIDER = "urn:pulumi:dev::shambhala::pulumi:providers:kubernetes::board-blue-kapsule-provider"
URN = f"urn:pulumi:dev::shambhala::{RELEASE}::board-blue-ingress-controller"
KUBECONFIG = """\
clusters: [{name: test, cluster: {server: "https://127.0.0.1:6443"}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
current-context: test
users: [{name: test, user: {token: a-token}}]
"""
SIGNATURE = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def secret(value: Any) -> dict[str, Any]:
    """A secret as `pulumi stack export --show-secrets` writes it."""
    return {**SIGNATURE, "plaintext": json.dumps(value)}


def resource(**more: Any) -> dict[str, Any]:
    inputs = {"name": "nginx-ingress", "namespace": "ingress"}
    return {"urn": URN, "type": RELEASE, "provider": f"{PROVIDER}::an-id", "inputs": inputs, **more}


def namespace(name: str) -> dict[str, Any]:
    type_ = "kubernetes:core/v1:Namespace"
    return {"urn": f"urn:{name}", "type": type_, "id": name, "provider": f"{PROVIDER}::an-id", "inputs": {}}


def state(
    *held: dict[str, Any], begun: tuple[dict[str, Any], ...] = (), kubeconfig: str = KUBECONFIG
) -> dict[str, Any]:
    provider = {"urn": PROVIDER, "type": "pulumi:providers:kubernetes", "inputs": {"kubeconfig": secret(kubeconfig)}}
    operations = [{"type": "creating", "resource": each} for each in begun]
    return {"deployment": {"resources": [provider, *held], "pending_operations": operations}}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> dict[Place, list[str]]:
    """Helm's store: the statuses of each release's revisions, oldest first."""
    told: dict[Place, list[str]] = {}

    def stored(_client: Client, _provider: str) -> dict[Place, list[Secret]]:
        return {
            place: [Secret(metadata=ObjectMeta(labels={"status": status})) for status in statuses]
            for place, statuses in told.items()
        }

    monkeypatch.setattr(helm_releases, "_stored", stored)
    return told


def fate(before: dict[str, Any]) -> Fate:
    [finding] = look(before)[0]
    return finding.fate


@pytest.mark.parametrize(
    ("statuses", "held", "begun"),
    [
        ([], Fate.UNTOUCHED, Fate.ABSENT),
        (["deployed"], Fate.UNTOUCHED, Fate.ADOPTED),
        (["pending-install"], Fate.CONTINUED, Fate.FORGOTTEN),
        (["failed"], Fate.CONTINUED, Fate.FORGOTTEN),
        (["uninstalling"], Fate.CONTINUED, Fate.FORGOTTEN),
        (["deployed", "pending-upgrade"], Fate.CONTINUED, Fate.CONTINUED),
        # Between these two steps Helm has none that is deployed.
        (["superseded", "pending-upgrade"], Fate.CONTINUED, Fate.FORGOTTEN),
        (["deployed", "failed", "pending-rollback"], Fate.CONTINUED, Fate.CONTINUED),
        (["superseded", "failed", "deployed"], Fate.UNTOUCHED, Fate.ADOPTED),
    ],
)
def test_the_fate_of_a_release_that_the_state_holds_and_of_one_that_was_begun(
    store: dict[Place, list[str]], statuses: list[str], held: Fate, begun: Fate
) -> None:
    if statuses:
        store["ingress", "nginx-ingress"] = statuses
    assert fate(state(resource())) is held
    assert fate(state(begun=(resource(),))) is begun


def test_one_that_is_marked_already_is_left_to_the_next_update(store: dict[Place, list[str]]) -> None:
    store["ingress", "nginx-ingress"] = ["failed"]
    assert fate(state(resource(initErrors=["half done"]))) is Fate.UNTOUCHED


def test_one_of_the_program_s_that_no_state_knows_any_more_is_forgotten_and_no_player_s(
    store: dict[Place, list[str]],
) -> None:
    store |= {("ingress", "nginx-ingress"): ["pending-install"], ("team-red", "grafana"): ["pending-install"]}
    store |= {("ingress", "somebody-s"): ["pending-install"], ("elsewhere", "loki"): ["deployed"]}
    found, trouble = look(state(namespace("ingress"), namespace("team-red")))
    assert [(finding.id, finding.fate) for finding in found] == [("ingress/nginx-ingress", Fate.FORGOTTEN)]
    assert trouble == []


def test_a_cluster_that_does_not_answer_is_named_with_what_to_do() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        config = yaml.safe_load(KUBECONFIG)
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{closed.getsockname()[1]}"
        found, [reason] = look(state(resource(), kubeconfig=yaml.safe_dump(config)))
    assert found == []
    assert reason.startswith("the cluster of board-blue-kapsule-provider does not answer (")
    assert "boards.NAME.apiCidrs" in reason


def test_a_kubeconfig_that_is_none_is_named_without_showing_it() -> None:
    _, [reason] = look(state(resource(), kubeconfig="a-token-of-somebody"))
    assert reason == "the cluster of board-blue-kapsule-provider: its kubeconfig in the state is not one"

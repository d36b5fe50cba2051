"""Changes that `preview` and `up` refuse, since something billed or stateful would be lost."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from cli.kubernetes_upgrade import check_upgrades
from cli.replacements import RefusedChangeError, check_replacements
from common.keys import key_pair
from common.settings import parse
from tests.support import example
from tests.support.monitor import run
from tests.unit.scaleway_part import scaleway_part

OFF: dict[str, object] = {
    "scaleway.region": "fr-par",
    "scaleway.zone": "fr-par-1",
    "boards.blue.pools.main.zone": "fr-par-1",
    "boards.blue.allowReplacement": False,
    "delivery.registry": example.MISSING,
    "delivery.registryConfig": example.MISSING,
}
"""The example with everything protected."""


def state(changes: dict[str, object]) -> dict[str, Any]:
    """State of a stack that was raised with the example's settings and some changes."""
    tree = example.spoiled({**OFF, **changes})
    graph = run(partial(scaleway_part, tree), preview=False)
    standing: list[dict[str, Any]] = [
        {
            "urn": f"urn:pulumi:dev::shambhala::{each.type}::{each.name}",
            "type": each.type,
            "inputs": each.inputs,
            "protect": each.protect,
            "parent": f"urn:pulumi:dev::shambhala::parent::{each.parent}",
        }
        for each in graph.resources.values()
    ]
    urn = "urn:pulumi:dev::shambhala::kubernetes:core/v1:Namespace::game-namespace-object"
    provider = "urn:pulumi:dev::shambhala::pulumi:providers:kubernetes::board-blue-kapsule-provider::an-id"
    standing.append({"urn": urn, "type": "kubernetes:core/v1:Namespace", "provider": provider})
    return {"deployment": {"resources": standing}}


def refusal(before: dict[str, object], after: dict[str, object]) -> str:
    """What is said of a change; empty where it is let through."""
    tree = example.spoiled({**OFF, **before, **after})
    settings = parse(tree, tree["environment"])
    try:
        check_upgrades(settings, state(before), "dev")
        check_replacements(settings, state(before), "dev")
    except RefusedChangeError as error:
        return str(error)
    return ""


def test_nothing_is_refused_where_nothing_is_lost() -> None:
    assert refusal({}, {}) == ""
    assert refusal({}, {"boards.blue.pools.main.maxSize": 9, "gamemaster.type": "PLAY2-NANO"}) == ""
    tree = example.spoiled(dict(OFF))
    before_the_first_update: list[dict[str, Any]] = [{"deployment": {}}, {"version": 3, "deployment": None}]
    for nothing in before_the_first_update:
        check_replacements(parse(tree, "dev"), nothing, "dev")


def test_a_pool_s_other_type_is_refused_with_what_would_be_lost_and_what_allows_it() -> None:
    pool = "boards.blue.pools.main"
    said = refusal({}, {f"{pool}.nodeType": "PRO2-XS"})
    assert f'shambhala:{pool}.nodeType = "PRO2-XXS" -> "PRO2-XS": would replace the pool\'s nodes' in said
    assert f"pulumi config set --path {pool}.allowReplacement true --stack dev" in said
    assert "nothing was touched" in said
    for allowed in (f"{pool}.allowReplacement", "boards.blue.allowReplacement"):
        assert refusal({}, {f"{pool}.nodeType": "PRO2-XS", allowed: True}) == ""


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("boards.blue.cni", "cilium"),
        ("boards.blue.subnet", "10.28.0.0/22"),
        ("gamemaster.subnet", "10.29.0.0/24"),
        ("gamemaster.volumeType", "sbs_volume"),
        ("gamemaster.volumeSizeGb", 60),
        ("scaleway.projectId", "11111111-2222-4333-8444-888888888888"),
    ],
)
def test_what_else_would_be_replaced_is_named_by_its_setting(setting: str, value: object) -> None:
    assert f"shambhala:{setting} = " in refusal({}, {setting: value})


def test_block_storage_grows_in_place() -> None:
    assert refusal({"gamemaster.volumeType": "sbs_volume"}, {"gamemaster.volumeSizeGb": 60}) == ""


def test_another_key_is_refused_and_not_shown() -> None:
    other = key_pair()
    said = refusal({}, {"operators.sshPublicKey": other.public, "operators.sshPrivateKey": other.private})
    assert "shambhala:operators.sshPublicKey: would replace the Instance" in said
    host: dict[str, object] = {"gamemaster.hostKey": {"public": other.public, "private": other.private}}
    said = refusal({}, host)
    assert "shambhala:gamemaster.hostKey: would replace the Instance" in said
    assert "PRIVATE KEY" not in said
    assert refusal({}, {**host, "gamemaster.allowReplacement": True}) == ""


def test_scaleway_s_own_protection_goes_in_an_update_of_its_own() -> None:
    """The plugin powers an Instance off before Scaleway refuses to delete it."""
    production: dict[str, object] = {"environment": "production"}
    change: dict[str, object] = {"gamemaster.volumeSizeGb": 60, "gamemaster.allowReplacement": True}
    assert "must wait for an update with gamemaster.allowReplacement alone" in refusal(production, change)
    allowed = {**production, "gamemaster.allowReplacement": True}
    assert refusal(allowed, change) == ""


@pytest.mark.parametrize(
    ("taken", "allow"),
    [
        ("boards.blue.pools.main", "boards.blue.pools.main.allowReplacement"),
        ("boards.green", "boards.green.allowReplacement"),
        ("delivery.masterKey", "delivery.allowReplacement"),
    ],
)
def test_what_is_taken_out_of_the_settings_must_have_been_allowed_before(taken: str, allow: str) -> None:
    without: dict[str, object] = {taken: example.MISSING}
    if taken == "delivery.masterKey":
        without = {"delivery": {}, "teams": {}}
    if taken == "boards.blue.pools.main":
        # Some pool takes every pod.
        without |= {"boards.blue.pools.other.size": 2}
    said = refusal({}, without)
    assert "is gone from the settings, which would remove" in said
    assert f"{allow} true --stack dev" in said
    assert refusal({allow: True}, without) == ""


def test_the_game_leaves_a_board_only_where_that_may_be_lost() -> None:
    said = refusal({}, {"activeBoard": "green"})
    assert 'shambhala:activeBoard = "blue" -> "green": would remove what the game has on blue' in said
    assert refusal({}, {"activeBoard": "green", "boards.blue.allowReplacement": True}) == ""


@pytest.mark.parametrize(("now", "wanted", "told"), [("1.34", "1.36", "1.35"), ("1.36", "1.35", "1.36")])
def test_kubernetes_is_upgraded_one_minor_version_at_a_time_and_never_back(now: str, wanted: str, told: str) -> None:
    version = "boards.blue.kubernetesVersion"
    said = refusal({version: now}, {version: wanted})
    assert f'shambhala:{version} = "{wanted}": must be {now}, which the cluster has' in said
    assert f"pulumi config set --path --type string {version} {told} --stack dev" in said


def test_the_next_minor_version_passes() -> None:
    assert refusal({"boards.blue.kubernetesVersion": "1.35"}, {"boards.blue.kubernetesVersion": "1.36"}) == ""

"""What a killed engine had begun is told apart from what is others', and taken in as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from scaleway import Client

from cli import recover
from cli.recover import AmbiguousError, cut_off, find, recovered

CLUSTER = "scaleway:kubernetes/cluster:Cluster"
TAGS = ["shambhala", "environment=dev", "part=blue"]
URN = f"urn:pulumi:dev::shambhala::{CLUSTER}::board-blue-kapsule-cluster"


@dataclass
class Cluster:
    id: str
    tags: list[str]
    name: str = "shambhala-dev-blue"
    region: str = "fr-par"


def state(*operations: dict[str, Any]) -> dict[str, Any]:
    kept = {"urn": "urn:pulumi:dev::shambhala::pulumi:pulumi:Stack::shambhala-dev"}
    return {"version": 3, "deployment": {"resources": [kept], "pending_operations": list(operations)}}


def creating(type_: str = CLUSTER, name: str = "shambhala-dev-blue") -> dict[str, Any]:
    return {"type": "creating", "resource": {"urn": URN, "type": type_, "inputs": {"name": name, "tags": TAGS}}}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[Cluster]:
    """The clusters at Scaleway."""
    clusters: list[Cluster] = []

    def listed(_client: Client) -> Sequence[Cluster]:
        return clusters

    monkeypatch.setattr(recover, "LOOKUPS", {CLUSTER: listed})
    return clusters


def test_what_has_the_tags_and_the_name_and_no_owner_is_found(there: list[Cluster]) -> None:
    there += [Cluster("mine", TAGS), Cluster("owned", TAGS), Cluster("other", ["shambhala", "environment=production"])]
    there.append(Cluster("namesake", TAGS, name="shambhala-dev-green"))
    assert find(cut_off(state(creating())), ["fr-par/owned"], Client()) == {URN: "fr-par/mine"}


def test_nothing_is_guessed_where_several_fit(there: list[Cluster]) -> None:
    there += [Cluster("one", TAGS), Cluster("two", TAGS)]
    with pytest.raises(AmbiguousError, match="fr-par/one, fr-par/two: remove the others by hand"):
        find(cut_off(state(creating())), [], Client())


def test_what_never_came_about_and_what_is_made_again_anyway_is_left_to_the_next_update(there: list[Cluster]) -> None:
    assert find(cut_off(state(creating(), creating("command:remote:Command"))), [], Client()) == {}


def test_other_operations_that_were_cut_off_stay_for_the_engine() -> None:
    deleting = {**creating(), "type": "deleting"}
    assert cut_off(state(deleting)) == []
    assert recovered(state(deleting), {})["deployment"]["pending_operations"] == [deleting]


def test_the_found_is_taken_in_with_what_the_program_asked_for() -> None:
    after = recovered(state(creating()), {URN: "fr-par/mine"})["deployment"]
    assert after["pending_operations"] == []
    adopted = after["resources"][-1]
    assert (adopted["urn"], adopted["id"], adopted["inputs"]["name"]) == (URN, "fr-par/mine", "shambhala-dev-blue")

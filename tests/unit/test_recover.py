"""What a killed engine had begun is told apart from what is others', and taken in as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from cli.account import Account, Item
from cli.leftovers.inventory import Kind
from cli.recover import pending_operations
from cli.recover.pending_operations import INTERRUPTED, AmbiguousError, changed, cut_off, find, recovered

CLUSTER = "scaleway:kubernetes/cluster:Cluster"
CONNECTION = "scaleway:network/gatewayNetwork:GatewayNetwork"
KEY = "scaleway:iam/apiKey:ApiKey"
TAGS = ["shambhala", "environment=dev", "part=blue"]
URN = f"urn:pulumi:dev::shambhala::{CLUSTER}::board-blue-kapsule-cluster"
NOWHERE = cast("Account", None)


def item(identity: str, tags: list[str] = TAGS, name: str = "shambhala-dev-blue", **more: Any) -> Item:
    return Item(f"fr-par/{identity}", name, frozenset(tags), "fr-par", **more)


def state(*operations: dict[str, Any], resources: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    kept = {"urn": "urn:pulumi:dev::shambhala::pulumi:pulumi:Stack::shambhala-dev"}
    return {"version": 3, "deployment": {"resources": [kept, *resources], "pending_operations": list(operations)}}


def creating(type_: str = CLUSTER, urn: str = URN, **inputs: Any) -> dict[str, Any]:
    inputs = inputs or {"name": "shambhala-dev-blue", "tags": TAGS}
    return {"type": "creating", "resource": {"urn": urn, "type": type_, "inputs": inputs}}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    """What there is of each kind at Scaleway."""
    items: list[Item] = []
    kinds = {type_: Kind("a product", "a kind", type_, lambda _: items) for type_ in (CLUSTER, CONNECTION, KEY)}
    monkeypatch.setattr(pending_operations, "LISTED", kinds)
    return items


def found(before: Mapping[str, Any], *known: str) -> dict[str, str]:
    return find(cut_off(dict(before)), known, NOWHERE)


def test_what_has_the_tags_and_the_name_and_no_owner_is_found(there: list[Item]) -> None:
    there += [item("mine"), item("owned"), item("other", ["shambhala", "environment=production"])]
    there.append(item("namesake", name="shambhala-dev-green"))
    assert found(state(creating()), "fr-par/owned") == {URN: "fr-par/mine"}


def test_a_name_that_the_provider_chose_is_no_hindrance(there: list[Item]) -> None:
    there.append(item("mine", name="cli-net-eager-heisenberg"))
    assert found(state(creating(tags=TAGS))) == {URN: "fr-par/mine"}


def test_two_creations_of_one_type_find_one_thing_each(there: list[Item]) -> None:
    green = [*TAGS[:2], "part=green"]
    there += [item("green", green, name=""), item("blue", name="")]
    both = state(creating(tags=TAGS), creating(urn=f"{URN}-green", tags=green))
    assert found(both) == {URN: "fr-par/blue", f"{URN}-green": "fr-par/green"}


def test_what_has_no_tags_is_known_by_what_it_connects(there: list[Item]) -> None:
    ends = {"gatewayId": "fr-par-1/gateway", "privateNetworkId": "fr-par/network"}
    there += [item("mine", [], inputs=ends), item("other", [], inputs={**ends, "gatewayId": "fr-par-1/another"})]
    assert found(state(creating(CONNECTION, **ends, enableMasquerade=True))) == {URN: "fr-par/mine"}


def test_nothing_is_guessed_where_several_fit(there: list[Item]) -> None:
    there += [item("one"), item("two")]
    with pytest.raises(AmbiguousError, match="fr-par/one, fr-par/two: remove the others by hand"):
        found(state(creating()))


def test_what_never_came_about_and_what_is_made_again_anyway_is_left_to_the_next_update(there: list[Item]) -> None:
    assert found(state(creating(), creating("command:remote:Command"))) == {}


def test_a_change_and_a_removal_that_were_cut_off_are_to_be_looked_at_again() -> None:
    before = state({**creating(), "type": "deleting"}, {**creating(urn=f"{URN}-green"), "type": "updating"})
    assert cut_off(before) == []
    assert changed(before) == [URN, f"{URN}-green"]
    assert recovered(before, {})["deployment"] == {**state()["deployment"], "pending_operations": []}


def test_the_found_is_taken_in_with_what_the_program_asked_for() -> None:
    after = recovered(state(creating()), {URN: "fr-par/mine"})["deployment"]
    assert after["pending_operations"] == []
    adopted = after["resources"][-1]
    assert (adopted["urn"], adopted["id"], adopted["inputs"]["name"]) == (URN, "fr-par/mine", "shambhala-dev-blue")
    assert "delete" not in adopted


def test_the_first_of_two_that_an_update_without_recover_made_is_left_to_the_next_update_to_remove() -> None:
    second = {"urn": URN, "type": CLUSTER, "id": "fr-par/second", "protect": True}
    after = recovered(state(creating(), resources=(second,)), {URN: "fr-par/first"})["deployment"]["resources"]
    assert after[-2] == second
    assert (after[-1]["urn"], after[-1]["id"], after[-1]["delete"], after[-1]["protect"]) == (
        URN,
        "fr-par/first",
        True,
        False,
    )


def test_an_api_key_of_which_nobody_knows_the_secret_is_left_to_the_next_update_to_remove(there: list[Item]) -> None:
    inputs = {"applicationId": "an application", "description": "of dev"}
    there.append(Item("SCWAAAAAAAAAAAAAAAAA", "", frozenset(), "", inputs=inputs))
    before = state(creating(KEY, **inputs))
    after = recovered(before, found(before))["deployment"]["resources"][-1]
    assert (after["id"], after["delete"]) == ("SCWAAAAAAAAAAAAAAAAA", True)


def test_what_is_half_done_is_marked_as_the_engine_marks_what_it_has_to_go_on_with() -> None:
    known = {"urn": URN, "type": CLUSTER, "id": "fr-par/mine"}
    after = recovered(state(resources=(known,)), {}, [URN])["deployment"]["resources"]
    assert after[-1] == {**known, "initErrors": [INTERRUPTED]}

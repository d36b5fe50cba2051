"""What goes wrong with a board: said in bounded time, and resumed by the next command."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation import CommandError

from tests.rehearsal.site import CLUSTERS, Rehearsal, counts

pytestmark = pytest.mark.timeout(900)

NETWORKS = "/vpc/v2/regions/fr-par/private-networks"
RESERVED = "/ipam/v1/regions/fr-par/ips"
REPLICAS = "--output=jsonpath={.status.readyReplicas}"
ADDRESSES = "/lb/v1/zones/fr-par-1/ips"


def blue_with(game: Rehearsal, **changes: Any) -> dict[str, Any]:
    """The rehearsal's only board, some of its settings changed."""
    return {"boards": {"blue": {**game.setting("boards")["blue"], **changes}}}


def test_a_pool_that_gets_no_nodes_is_named_after_its_time(game: Rehearsal) -> None:
    game.open()
    game.ask_cloud("POST", "/rehearsal/faults", {"no_nodes": True})
    with pytest.raises(CommandError, match="board-blue-kapsule-main") as failed:
        game.up(blue_with(game, readyTimeoutSeconds=30))
    assert "timeout" in str(failed.value)
    game.ask_cloud("DELETE", "/rehearsal/faults")


def test_a_load_balancer_that_is_refused_is_said_by_the_cluster_and_the_release_is_rolled_back(
    game: Rehearsal,
) -> None:
    game.ask_cloud("POST", "/rehearsal/faults", {"no_load_balancers": True})
    with pytest.raises(CommandError, match="board-blue-ingress-controller"):
        game.up({"sources": {**game.setting("sources"), "chartTimeoutSeconds": 30}})
    assert "Quota exceeded for load balancers" in game.kubectl("get", "events", "--namespace=ingress", board="blue")
    assert game.kubectl("get", "services", "--namespace=ingress", "--output=name", board="blue") == ""
    game.ask_cloud("DELETE", "/rehearsal/faults")


def test_the_next_up_goes_on_with_what_is_there(game: Rehearsal) -> None:
    assert counts(game.command("up")).keys() <= {"create", "same", "update"}
    there = game.ask_cloud("GET", "/rehearsal/state")
    assert (there["clusters"], there["pools"], there["lbs"], there["lb_ips"]) == (1, 1, 1, 1)
    assert counts(game.command("up")).keys() == {"same"}


def test_a_pool_is_replaced_only_where_the_operator_said_so_and_by_one_that_is_ready(game: Rehearsal) -> None:
    [cluster] = game.ask_cloud("GET", CLUSTERS)["clusters"]
    pools = f"{CLUSTERS}/{cluster['id']}/pools"
    [before] = game.ask_cloud("GET", pools)["pools"]
    [pool] = game.setting("boards")["blue"]["pools"].values()
    other = {"main": {**pool, "nodeType": "PRO2-XS"}}
    # A rehearsal allows it from the beginning, and the engine refuses what was and will be protected.
    game.up(blue_with(game, allowReplacement=False))
    with pytest.raises(CommandError, match="protect"):
        game.up(blue_with(game, allowReplacement=False, pools=other))
    [still] = game.ask_cloud("GET", pools)["pools"]
    assert (still["id"], still["name"]) == (before["id"], before["name"])
    game.up(blue_with(game, pools=other))
    [after] = game.ask_cloud("GET", pools)["pools"]
    # With one name, Scaleway would take the new one only once the old one is gone.
    assert (after["node_type"], after["name"] != before["name"]) == ("pro2_xs", True)
    assert game.kubectl("get", "deployment", "hunt", "--namespace=hunt", REPLICAS, board="blue") == "1"


def test_a_cluster_is_replaced_only_where_the_operator_said_so(game: Rehearsal) -> None:
    [before] = game.ask_cloud("GET", CLUSTERS)["clusters"]
    game.up(blue_with(game, allowReplacement=False))
    with pytest.raises(CommandError, match="protect"):
        game.up(blue_with(game, allowReplacement=False, cni="calico"))
    [after] = game.ask_cloud("GET", CLUSTERS)["clusters"]
    assert (after["id"], after["cni"]) == (before["id"], "cilium")
    game.up(blue_with(game, allowReplacement=True))
    [pool] = game.setting("boards")["blue"]["pools"].values()
    game.up(blue_with(game, cni="calico", pools={"main": {**pool, "publicIp": False}}))
    [another] = game.ask_cloud("GET", CLUSTERS)["clusters"]
    assert another["id"] != before["id"]
    assert another["cni"] == "calico"
    # The names follow to the address of the new one.
    [address] = game.ask_cloud("GET", ADDRESSES)["ips"]
    assert game.answer("play") == address["ip_address"]


def test_nodes_without_an_address_of_their_own_serve_the_game_too(game: Rehearsal) -> None:
    columns = "--output=jsonpath={.items[*].status.addresses[*].type}"
    assert "ExternalIP" not in game.kubectl("get", "nodes", columns, board="blue")
    assert game.kubectl("get", "deployment", "hunt", "--namespace=hunt", REPLICAS, board="blue") == "1"


def test_a_network_that_is_still_in_use_is_named_and_the_next_destroy_goes_on(game: Rehearsal) -> None:
    networks = game.ask_cloud("GET", NETWORKS)["private_networks"]
    [board_s] = [each for each in networks if "board" in each["name"] or "blue" in each["tags"]]
    # As an operator would in the console, for a machine that the program does not know.
    foreign = game.ask_cloud("POST", RESERVED, {"source": {"private_network_id": board_s["id"]}})
    with pytest.raises(CommandError, match="Private Network must be empty to be deleted"):
        game.open().destroy(color="never")
    assert game.ask_cloud("GET", CLUSTERS)["clusters"] == []
    game.ask_cloud("DELETE", f"{RESERVED}/{foreign['id']}")
    printed = game.command("down")
    assert "Nothing is left" in printed
    assert "billed" not in printed

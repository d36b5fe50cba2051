"""What goes wrong while the game is raised, and that the next command puts it right."""

from __future__ import annotations

import json

import pytest
from pulumi.automation import CommandError

from rehearsal.engine import resources_in_state
from tests.rehearsal.site import Rehearsal, counts, output, processes_below

pytestmark = pytest.mark.timeout(900)

ZONE = "/instance/v1/zones/fr-par-1"
REGION = "/k8s/v1/regions/fr-par"


def test_an_engine_killed_half_way_is_no_harm_to_the_next_up(game: Rehearsal) -> None:
    game.up_until(lambda _: _cluster_in_the_making(game))
    # Half written when the engine is killed, it kept the next one from reading the state: once in some hundred times.
    assert not [*(game.session.home / "pulumi").rglob("*.attrs")]
    assert "board-blue-kapsule-cluster: adopted fr-par/" in game.recover()
    assert "there is nothing to recover" in game.recover()
    # And once more, among the namespaces and releases of the board.
    game.up_until(lambda printed: "create observability-prometheus-release" in printed)
    game.recover()
    assert counts(game.command("up")).keys() <= {"create", "same", "update"}
    # Nothing was made a second time, which would be billed and never be destroyed.
    there = game.ask_cloud("GET", "/rehearsal/state")
    assert (there["clusters"], there["pools"], there["servers"], there["vpcs"]) == (1, 1, 1, 1)
    assert counts(game.command("up")).keys() == {"same"}


def test_an_api_that_fails_is_said_and_the_next_down_goes_on(game: Rehearsal) -> None:
    game.ask_cloud("POST", "/rehearsal/faults", {"answer": 500, "seconds": 600, "method": "DELETE"})
    with pytest.raises(CommandError):
        game.open().destroy(color="never")
    game.ask_cloud("DELETE", "/rehearsal/faults")
    home = game.session.home
    printed = game.command("down")
    assert "Nothing is left" in printed
    assert "billed" not in printed
    # A killed engine may have left its plugins running.
    assert not processes_below(home)


def test_a_server_that_never_boots_is_named_in_bounded_time_and_nothing_is_lost(game: Rehearsal) -> None:
    stack = game.open()
    game.ask_cloud("POST", "/rehearsal/faults", {"never_boot": True})
    with pytest.raises(CommandError, match="gamemaster-first-boot"):
        game.up({"gamemaster": {**game.setting("gamemaster"), "bootTimeoutSeconds": 30}})
    assert "scaleway:instance/server:Server" in [resource["type"] for resource in resources_in_state(stack)]

    # As an operator would from Scaleway's console.
    [server] = game.ask_cloud("GET", f"{ZONE}/servers")["servers"]
    game.ask_cloud("POST", f"{ZONE}/servers/{server['id']}/action", {"action": "reboot"})
    assert counts(game.command("up")).keys() <= {"create", "same", "update"}
    [same] = game.ask_cloud("GET", f"{ZONE}/servers")["servers"]
    assert same["id"] == server["id"]


def test_an_instance_that_is_replaced_has_a_new_rancher_that_is_set_up_and_that_the_board_joins(
    game: Rehearsal,
) -> None:
    def cluster() -> str:
        known = resources_in_state(game.open())
        [found] = [each["id"] for each in known if each["type"] == "rancher2:index/cluster:Cluster"]
        return found

    def logs_in(password: str) -> bool:
        asked = json.dumps({"username": "admin", "password": password, "type": "localProvider"})
        url = f"{rancher['apiUrl']}/v3-public/localProviders/local?action=login"
        return json.loads(output(["curl", "-sS", "--data", asked, url]))["type"] != "error"

    rancher, before = game.setting("rancher"), cluster()
    operators = game.setting("operators")
    # The same key under another name: cloud-init would read it at a first boot only.
    renamed = {"operators": {**operators, "sshPublicKey": f"{operators['sshPublicKey']} renamed"}}
    assert game.up(renamed)["replace"] > 1
    assert not logs_in(rancher["bootstrapPassword"])
    assert logs_in(rancher["adminPassword"])
    assert cluster() != before
    assert game.up(renamed).keys() == {"same"}


def _cluster_in_the_making(game: Rehearsal) -> bool:
    """Whether the Instance is complete and the cluster is not; not before the cloud answers."""
    if not game.stands:
        return False
    try:
        servers = game.ask_cloud("GET", f"{ZONE}/servers")["servers"]
        clusters = game.ask_cloud("GET", f"{REGION}/clusters")["clusters"]
    except OSError:
        return False
    complete = [server for server in servers if server["state"] == "running" and server["public_ips"]]
    return bool(complete) and [cluster["status"] for cluster in clusters] == ["creating"]

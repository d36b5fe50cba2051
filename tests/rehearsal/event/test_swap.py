"""The board is swapped during an event, in the order that docs/swap.md gives, seen by a player and an operator."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError

from rehearsal.configuration import ZONE
from rehearsal.engine import resources_in_state
from rehearsal.session import Block, Service
from tests.rehearsal.site import CLUSTERS, ROOT, Rehearsal, counts, output

pytestmark = pytest.mark.timeout(900)

NAMES = ("play", "grafana", "team.play")
Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def blue_alone(game: Rehearsal, raised: str) -> Resources:
    """What there is while blue is the only board."""
    return state(game)


@pytest.fixture(scope="module")
def both(game: Rehearsal, blue_alone: Resources) -> dict[str, Any]:
    """The settings of both boards; green has been raised beside blue."""
    boards = {"blue": game.setting("boards")["blue"], "green": green(game)}
    changed = counts(game.command("up", "--set", f"boards={json.dumps(boards)}"))
    assert changed.keys() == {"create", "same"}
    return boards


def green(game: Rehearsal) -> dict[str, Any]:
    """Settings of the second board."""
    blue = game.setting("boards")["blue"]
    first, second, *_ = blue["subnet"].split(".")
    return {**blue, "subnet": f"{first}.{second}.8.0/22"}


def state(game: Rehearsal) -> Resources:
    """Every resource that the engine knows, by its URN."""
    return {resource["urn"]: resource for resource in resources_in_state(game.open())}


def of_the_game_master(resources: Resources) -> dict[str, Any]:
    """Ids, inputs and outputs of all that makes up the game master, but for the boards' own keys and rules."""
    boards_own = ("shambhala:gamemaster:TsigKey", "shambhala:gamemaster:MetricsAccess")
    return {
        urn: (resource.get("id"), resource.get("inputs"), resource.get("outputs"))
        for urn, resource in resources.items()
        if "shambhala:gamemaster:GameMaster" in urn and not any(own in urn for own in boards_own)
    }


def proven_at(game: Rehearsal, name: str) -> str:
    """Where a certificate authority finds the proof of a name."""
    return game.answer(f"_acme-challenge.{name}", "CNAME")


def serves(game: Rehearsal, board: str) -> bool:
    """Whether the game's page has ready pods, a way in and a certificate on a board."""
    page = ("--namespace=hunt", "--ignore-not-found", "hunt")
    ready = game.kubectl("get", "deployments", *page, "--output=jsonpath={.status.readyReplicas}", board=board)
    way = game.kubectl("get", "ingress", *page, "--output=jsonpath={.status.loadBalancer.ingress[0].ip}", board=board)
    # F5's controller ends every handshake for a name whose certificate is not there.
    return bool(ready) and bool(way) and game.names_signed_in("hunt", "hunt-tls", board=board) == [f"play.{ZONE}"]


def managed(game: Rehearsal) -> dict[str, str]:
    """Rancher's clusters and their states, as an administrator sees them."""
    password = game.setting("rancher")["adminPassword"]
    body = {"type": "localProvider", "username": "admin", "password": password}
    token = ask_rancher(game, "POST", "/v1-public/login", body)["token"]
    clusters = ask_rancher(game, "GET", "/v3/clusters", token=token)["data"]
    return {cluster["name"].rpartition("-")[2]: cluster["state"] for cluster in clusters}


def ask_rancher(game: Rehearsal, method: str, path: str, body: Any = None, token: str = "") -> Any:
    """A request to Rancher, where the program reaches it."""
    url = f"http://{game.session.address(Block.SERVICES, Service.RANCHER)}:8080{path}"
    given = ["--header", f"Authorization: Bearer {token}"] if token else []
    sent = ["--json", json.dumps(body)] if body is not None else []
    answer = output(["curl", "-sS", "--noproxy", "*", "--request", method, *given, *sent, url])
    return json.loads(answer) if answer else None


def test_a_board_is_active_in_rancher_without_a_hand(game: Rehearsal, blue_alone: Resources) -> None:
    assert managed(game) == {"blue": "active"}
    # Closed in both directions, as every namespace of ours.
    assert "default-deny" in game.kubectl("get", "networkpolicies", "--namespace=cattle-system", board="blue")


def test_a_second_board_is_raised_beside_the_first_without_touching_it(
    game: Rehearsal, blue_alone: Resources, both: dict[str, Any]
) -> None:
    after = state(game)
    assert of_the_game_master(after) == of_the_game_master(blue_alone)
    assert {urn: after[urn].get("id") for urn in blue_alone} == {urn: was.get("id") for urn, was in blue_alone.items()}
    new = {urn.rpartition("::")[2] for urn in after.keys() - blue_alone.keys()}
    assert all("green" in name for name in new)
    assert game.answer("anything.blue") == game.answer("play") != game.answer("anything.green")
    assert proven_at(game, "play") == f"_acme-challenge.play.blue.{ZONE}."


def test_the_names_move_only_when_the_new_board_serves_and_the_old_one_goes_only_after(
    game: Rehearsal, both: dict[str, Any], tmp_path: Path
) -> None:
    before = of_the_game_master(state(game))
    leads_to = {game.answer(f"anything.{board}"): board for board in both}
    settings = ["--set", f"boards={json.dumps(both)}", "--set", "activeBoard=green"]
    seen: list[str] = []
    printed = tmp_path / "printed"
    with (
        printed.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-m", "rehearsal", "up", "--name", game.name, *settings],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as command,
    ):
        while command.poll() is None:
            board = leads_to[game.answer("play")]
            assert serves(game, board), f"players were led to {board}, which did not serve"
            seen.append(board)
            # A look every half second is closer than players look, and leaves the update its processor.
            time.sleep(0.5)
        assert command.returncode == 0, printed.read_text()
    assert seen[0] == "blue"
    assert managed(game) == {"blue": "active", "green": "active"}
    assert all(leads_to[game.answer(name)] == "green" for name in NAMES)
    assert proven_at(game, "play") == f"_acme-challenge.play.green.{ZONE}."
    assert not serves(game, "blue")
    assert of_the_game_master(state(game)) == before


def test_a_board_stays_as_it_is_while_rancher_is_down(game: Rehearsal, both: dict[str, Any]) -> None:
    green_alone = {"boards": {"green": both["green"]}, "activeBoard": "green"}
    ask_rancher(game, "POST", "/rehearsal/down")
    try:
        with pytest.raises(CommandError, match="Rancher"):
            game.up(green_alone)
    finally:
        ask_rancher(game, "DELETE", "/rehearsal/down")
    assert len(game.ask_cloud("GET", CLUSTERS)["clusters"]) == 2
    assert managed(game) == {"blue": "active", "green": "active"}


def test_the_old_board_is_removed_and_nothing_else(game: Rehearsal, both: dict[str, Any]) -> None:
    before = of_the_game_master(state(game))
    game.command("up", "--set", f"boards={json.dumps({'green': both['green']})}", "--set", "activeBoard=green")
    assert not [urn for urn in state(game) if "blue" in urn.rpartition("::")[2]]
    assert len(game.ask_cloud("GET", CLUSTERS)["clusters"]) == 1
    assert managed(game) == {"green": "active"}
    assert serves(game, "green")
    assert game.answer("anything.blue") == ""
    assert of_the_game_master(state(game)) == before

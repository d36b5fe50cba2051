"""What became of builds: what Drone tells the guard, and what the guard writes down of it for operators."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from game_app.services.guard.answer import ENDED, Answer, Guard, answer
from observability.metrics_catalog import FIELDS
from tests.services import guards
from tests.services.guards import CONFIG_SECRET, NOW, VALIDATE_SECRET, pull_request
from tests.services.signing import signed_headers

SECRET = b"e" * 32
OVER = ("date", "digest")


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return dataclasses.replace(guards.guard(tmp_path), ended_secret=SECRET)


def step(name: str, status: str, seconds: int) -> dict[str, Any]:
    return {"name": name, "status": status, "exit_code": 0, "started": 1000, "stopped": 1000 + seconds}


def over(status: str = "failure", slug: str = "game/team-red", **build: Any) -> dict[str, Any]:
    """Drone's webhook about a build that is over, of one stage that stopped at its second step."""
    steps = [step("clone", "success", 3), step("dockerfile", "failure", 20), {"name": "chart", "status": "skipped"}]
    stage = {"name": "check", "status": status, "steps": steps}
    ended = pull_request(slug, status=status, started=990, finished=1030, stages=[stage], **build)
    return {"event": "build", "action": "updated", **ended}


def tell(guard: Guard, word: dict[str, Any], secret: bytes = SECRET, over: tuple[str, ...] = OVER) -> Answer:
    body = json.dumps(word).encode()
    return answer(guard, ENDED, signed_headers(ENDED, body, secret, NOW, over=over), body, NOW)


def test_a_build_that_failed_is_written_down_with_the_step_that_failed(guard: Guard) -> None:
    told = tell(guard, over())
    assert told.status == 204
    about = {"repository": "game/team-red", "event": "pull_request"}
    assert told.notes == [
        {"ended": "build", **about, "outcome": "failure", "seconds": 40},
        {"ended": "step", **about, "stage": "check", "step": "clone", "outcome": "success", "seconds": 3},
        {"ended": "step", **about, "stage": "check", "step": "dockerfile", "outcome": "failure", "seconds": 20},
    ]
    assert {field for note in told.notes for field in note} <= {*FIELDS["guard"]}


@pytest.mark.parametrize("status", ["pending", "running", "blocked", None])
def test_a_build_that_is_not_over_is_not_written_down(guard: Guard, status: str | None) -> None:
    told = tell(guard, {**over(), "build": {**over()["build"], "status": status}})
    assert told.status == 204
    assert told.notes == []


@pytest.mark.parametrize("secret", [CONFIG_SECRET, VALIDATE_SECRET, b"guessed" * 8])
def test_nobody_but_drone_tells_of_builds(guard: Guard, secret: bytes) -> None:
    told = tell(guard, over(), secret)
    assert told.status == 401
    assert not told.notes


@pytest.mark.parametrize("signed", [("date",), ("digest",), ("accept", "date", "digest")])
def test_a_word_is_proven_as_drones_webhooks_are(guard: Guard, signed: tuple[str, ...]) -> None:
    assert tell(guard, over(), over=signed).status == 401


def test_what_opens_this_door_opens_no_other(guard: Guard) -> None:
    body = json.dumps(pull_request()).encode()
    headers = signed_headers("/config", body, SECRET, NOW, over=OVER)
    assert answer(guard, "/config", headers, body, NOW).status == 401


def test_a_strangers_build_is_not_written_down(guard: Guard) -> None:
    told = tell(guard, over(slug="ada/team-red"))
    assert told.status == 403
    assert not told.notes


def test_no_word_of_a_players_comes_into_the_log(guard: Guard) -> None:
    """Every name that is not like one of the guard's own pipelines' is the same, however many there are."""
    word = over(title="a title", message="a message", author_name="Ada")
    word["build"]["stages"] = [
        {"name": f"a stage\n{number}", "steps": [step(f"a step {number}", "failure", number)]} for number in range(9)
    ]
    _, *steps = tell(guard, word).notes
    assert {(note["stage"], note["step"]) for note in steps} == {("other", "other")}


@pytest.mark.parametrize("stages", ["null", '"x"', "[1]", '[{"steps": 2}]', '[{"steps": [null]}]', '[{"steps": [{}]}]'])
def test_a_build_without_sound_stages_is_still_written_down(guard: Guard, stages: str) -> None:
    word = over("error")
    word["build"] |= {"stages": json.loads(stages), "started": "x"}
    told = tell(guard, word)
    assert [note["ended"] for note in told.notes] == ["build"]

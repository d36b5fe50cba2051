"""What a line looks like when it leaves its node: the agent's own script, run by the Lua that Fluent Bit runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lupa import luajit21

SCRIPT = Path(__file__).parents[2] / "observability" / "agent" / "record.lua"
TOKEN = "kX9vT2mQ7wLp4sRd"


@pytest.fixture
def lua() -> Any:
    runtime = luajit21.LuaRuntime()
    runtime.execute(SCRIPT.read_text())
    return runtime


def left(lua: Any, record: dict[str, Any], tag: str = "kubernetes.var.log") -> dict[str, Any]:
    """The record as it leaves the node."""
    code, _, made = lua.globals().record(tag, 1.5, lua.table_from(record, recursive=True))
    # 2: the record has changed, its time has not.
    assert code == 2
    return {key: dict(value) if key == "kubernetes" else value for key, value in made.items()}


@pytest.mark.parametrize(
    "line",
    [
        f"password={TOKEN}",
        f"DB_PASSWORD: {TOKEN}",
        f'{{"level":"info","password":"{TOKEN}","user":"ada"}}',
        f'{{"access_token" : "{TOKEN}"}}',
        f'{{"msg":"got {{\\"client_secret\\":\\"{TOKEN}\\"}}"}}',
        f'{{"password":"{TOKEN}\\"{TOKEN}"}}',
        f"Authorization: Bearer {TOKEN}.{TOKEN}",
        f"authorization: basic {TOKEN}==",
        f'curl -H "Authorization: token {TOKEN}" https://git.example.org',
        f"Cookie: _session={TOKEN}",
        f"Cookie: theme=dark; _session={TOKEN}",
        f"Set-Cookie: theme=dark,blue; session={TOKEN},{TOKEN}; HttpOnly",
        f"curl -H 'Cookie: theme=dark;_session={TOKEN}' https://play.example.org",
        f"https://drone:{TOKEN}@git.example.org/team/app.git",
        f"GET /login?token={TOKEN}&next=/ 200",
        f"eyJhbGciOiJSUzI1NiJ9.eyJ{TOKEN}.{TOKEN}_-{TOKEN}",
        f"pushed with ghp_{TOKEN}{TOKEN}",
        f"SCW{TOKEN.upper()}A is the key",
        "key 5f1c7b0e7d534a0b9a350c6f8b1f2d115f1c7b0e is set",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\\n{TOKEN}\\n-----END OPENSSH PRIVATE KEY-----",
        f"--password={TOKEN}",
        f"login --user ada --db-password {TOKEN} db",
        f"login --token '{TOKEN} {TOKEN}'",
        f'["login","--password","{TOKEN}"]',
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\\n{TOKEN}",
        f"X-Api-Key: {TOKEN}",
        f"password='{TOKEN}' host=db",
    ],
)
def test_a_secret_does_not_leave_the_node(lua: Any, line: str) -> None:
    said = left(lua, {"log": line})["log"]
    assert "(hidden)" in said
    assert TOKEN not in said
    assert TOKEN.upper() not in said
    assert "5f1c7b0e7d53" not in said


@pytest.mark.parametrize(
    "line",
    [
        "GET /healthz 200 in 3 ms",
        '{"level":"info","event":"step passed","team":"red","step":3}',
        "the password was wrong",
        "give it with --password",
        "commit 5f1c7b0 by ada@example.org",
        "https://play.hunt.example.org:8443/path",
        "time=2026-11-24T09:00:00Z level=info msg=ready",
        "",
    ],
)
def test_what_is_no_secret_stays_as_it_is(lua: Any, line: str) -> None:
    assert left(lua, {"log": line})["log"] == line


def test_no_line_of_a_key_leaves_the_node(lua: Any) -> None:
    """Each is a record of its own, and only the first and the last say what they are."""
    file, other = (f"kubernetes.var.log.containers.{pod}_game_app-{'0a' * 32}.log" for pod in ("web", "job"))
    body = [TOKEN * 4, "Proc-Type: 4,ENCRYPTED", f"  {TOKEN}=="]
    lines = ["-----BEGIN RSA PRIVATE KEY-----", *body, "-----END RSA PRIVATE KEY-----"]
    assert {left(lua, {"log": line}, file)["log"] for line in lines} == {"(hidden)"}
    assert left(lua, {"log": "ready"}, file)["log"] == "ready"
    left(lua, {"log": lines[0]}, file)
    # What others write meanwhile is seen.
    assert left(lua, {"log": "ready"}, other)["log"] == "ready"


def test_a_key_that_does_not_end_hides_no_more_than_a_key_is_long(lua: Any) -> None:
    tag = f"kubernetes.var.log.containers.endless_game_app-{'0a' * 32}.log"
    left(lua, {"log": "-----BEGIN PRIVATE KEY-----"}, tag)
    said = [left(lua, {"log": "ready"}, tag)["log"] for _ in range(300)]
    assert said == ["(hidden)"] * 200 + ["ready"] * 100


def test_a_key_in_one_line_hides_no_other(lua: Any) -> None:
    tag = f"kubernetes.var.log.containers.json_game_app-{'0a' * 32}.log"
    key = f"-----BEGIN PRIVATE KEY-----\\n{TOKEN}\\n-----END PRIVATE KEY-----"
    assert TOKEN not in left(lua, {"log": json.dumps({"key": key})}, tag)["log"]
    assert left(lua, {"log": "ready"}, tag)["log"] == "ready"


def test_what_stands_around_a_secret_stays(lua: Any) -> None:
    line = f'{{"user":"ada","password":"{TOKEN}","status":401}}'
    assert left(lua, {"log": line})["log"] == '{"user":"ada","password":"(hidden)","status":401}'


def test_a_line_is_marked_with_whose_it_is(lua: Any) -> None:
    pod = {
        "namespace_name": "team-red",
        "pod_name": "app-7c9",
        "container_name": "app",
        "labels": {"app.kubernetes.io/name": "web"},
    }
    made = left(lua, {"log": "x", "stream": "stdout", "kubernetes": pod})
    assert {name: made[name] for name in ("namespace", "team", "component", "pod")} == {
        "namespace": "team-red",
        "team": "red",
        "component": "web",
        "pod": "app-7c9",
    }


def test_the_platforms_lines_belong_to_no_team_and_no_label_is_ever_empty(lua: Any) -> None:
    made = left(lua, {"log": "x"})
    assert made["team"] == "none"
    assert all(made[name] for name in ("namespace", "component", "pod"))
    assert left(lua, {"log": "x", "kubernetes": {"namespace_name": "game"}})["team"] == "none"


def test_a_line_is_a_teams_also_while_the_clusters_api_does_not_answer(lua: Any) -> None:
    tag = f"kubernetes.var.log.containers.web-5b7.x_team-red_app-{'0a' * 32}.log"
    made = left(lua, {"log": "x"}, tag)
    assert {name: made[name] for name in ("namespace", "team", "component", "pod")} == {
        "namespace": "team-red",
        "team": "red",
        "component": "app",
        "pod": "web-5b7.x",
    }
    assert made["kubernetes"]["namespace_name"] == "team-red"


@pytest.mark.parametrize(
    ("pod", "labels", "component"),
    [
        ("loki-gateway-5b7f9c6d44-x2x7q", {"pod-template-hash": "5b7f9c6d44"}, "loki-gateway"),
        ("loki-0", {"statefulset.kubernetes.io/pod-name": "loki-0", "controller-revision-hash": "loki-5b7"}, "loki"),
        ("logs-fluentbit-x2x7q", {"controller-revision-hash": "5b7f9c6d44"}, "logs-fluentbit"),
        # A Job's, and a pod that somebody made by hand.
        ("rollout-1a2b3c-x2x7q", {}, "chart"),
        ("by-hand-at-night", {"pod-template-hash": "other"}, "chart"),
    ],
)
def test_a_line_bears_the_name_by_which_prometheus_knows_its_component(
    lua: Any, pod: str, labels: dict[str, str], component: str
) -> None:
    """Charts call several of their components alike; only the objects' names tell them apart."""
    named = {"pod_name": pod, "labels": {"app.kubernetes.io/name": "chart", **labels}, "container_name": "app"}
    assert left(lua, {"log": "x", "kubernetes": {"namespace_name": "observability", **named}})["component"] == component


@pytest.mark.parametrize("namespace", ["ci-team-red", "cd-portal"])
def test_what_a_builds_containers_are_called_becomes_no_label(lua: Any, namespace: str) -> None:
    pod = {"namespace_name": namespace, "pod_name": "drone-7tq2", "container_name": "drone-x9a4j2k8"}
    assert left(lua, {"log": "x", "kubernetes": pod})["component"] == "build"


@pytest.mark.parametrize("namespace", ["ci-team-red", "cd-team-red"])
def test_what_a_teams_build_says_is_the_teams(lua: Any, namespace: str) -> None:
    assert left(lua, {"log": "x", "kubernetes": {"namespace_name": namespace}})["team"] == "red"


@pytest.mark.parametrize("namespace", ["ci-portal", "cd-portal", "ci-denied", "my-team-red"])
def test_what_a_components_build_says_is_no_teams(lua: Any, namespace: str) -> None:
    assert left(lua, {"log": "x", "kubernetes": {"namespace_name": namespace}})["team"] == "none"


def test_no_line_can_say_that_it_is_another_teams(lua: Any) -> None:
    line = '{"team":"blue","namespace":"team-blue","kubernetes":{"namespace_name":"team-blue"}}'
    made = left(lua, {"log": line, "team": "blue", "kubernetes": {"namespace_name": "team-red", "pod_name": "p"}})
    assert made["team"] == "red"
    assert made["kubernetes"]["namespace_name"] == "team-red"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    [
        *("eyJ", "a", "://", ":", "password", 'password="', "bearer ", "-----BEGIN ", "gh", "f", "token=x "),
        *("--", "--password ", "cookie=a;", "cookie:x; ", "PRIVATE KEY", "-----BEGIN PRIVATE KEY", "-----END "),
    ],
)
def test_no_line_that_a_player_writes_keeps_an_agent_busy(lua: Any, piece: str) -> None:
    assert len(left(lua, {"log": piece * 100_000})["log"]) <= 2 * 65536


def flooded(lua: Any, team: str, lines: int, *, seconds: float) -> list[str]:
    """What leaves the node of a team that writes so many lines of 1000 bytes within some time."""
    tag = f"kubernetes.var.log.containers.app-5b7f9c6d44-x2x7q_team-{team}_app-{64 * 'a'}.log"
    kept: list[str] = []
    for number in range(lines):
        given = lua.table_from({"log": 1000 * "x"})
        code, _, made = lua.globals().record(tag, 1000.0 + seconds * number / lines, given)
        if code != -1:
            kept.append(str(made["log"]))
    return kept


def test_a_team_that_prints_two_megabytes_a_second_fills_no_volume_and_is_told(lua: Any) -> None:
    """Such a team filled Loki's volume of 20 GB within three hours."""
    lua.execute("TEAM_BYTES_PER_SECOND = 400; TEAM_BURST_BYTES = 1000000")
    kept = flooded(lua, "red", 120_000, seconds=60)
    lines = [line for line in kept if line[0] == "x"]
    assert 1000 < len(lines) <= 1000 + 60 * 400 // 1000
    [note] = set(kept) - {1000 * "x"}
    assert note == "shambhala: lines of team red are left out, more than 400 bytes a second"
    # Another team's lines, and the platform's, go on.
    assert flooded(lua, "blue", 500, seconds=1) == 500 * [1000 * "x"]


def test_a_team_that_was_quiet_may_say_much_at_once_again(lua: Any) -> None:
    lua.execute("TEAM_BYTES_PER_SECOND = 1000; TEAM_BURST_BYTES = 100000")
    assert len(flooded(lua, "red", 1000, seconds=0)) == 101
    tag = f"kubernetes.var.log.containers.app-5b7f9c6d44-x2x7q_team-red_app-{64 * 'a'}.log"
    code, _, _ = lua.globals().record(tag, 1050.0, lua.table_from({"log": 50_000 * "x"}))
    assert code == 2


def test_without_a_rate_everything_leaves_the_node(lua: Any) -> None:
    assert len(flooded(lua, "red", 2000, seconds=0)) == 2000

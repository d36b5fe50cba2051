"""Settings that are refused: each with its key and what is allowed, and all of them at once."""

from __future__ import annotations

import pytest

from common.settings import SettingsError, parse
from tests.support.example import MISSING, PASSWORD, complete, spoiled
from tests.unit.wrong_settings import WRONG, refusal


def _told(value: object) -> str:
    """A value in a test's name, which must not change from run to run."""
    if value is MISSING:
        return "left out"
    return "the other password" if value == PASSWORD else f"{value!s:.24}"


@pytest.mark.parametrize(("key", "value", "allowed"), WRONG, ids=[f"{key}={_told(value)}" for key, value, _ in WRONG])
def test_a_wrong_setting_is_refused_with_its_key_and_what_is_allowed(key: str, value: object, allowed: str) -> None:
    error = refusal({key: value})
    assert [problem.key for problem in error.problems] == [key]
    assert allowed in error.problems[0].allowed
    assert f"shambhala:{key}" in str(error)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("domian", "is no setting (did you mean domain?)"),
        ("scaleway.secretkey", "is no setting (did you mean secretKey?)"),
        ("boards.blue.pools.main.node_type", "is no setting (did you mean nodeType?)"),
        ("gamemaster.hostKey.quux", "is no setting"),
    ],
)
def test_a_key_that_is_no_setting_is_refused_without_showing_what_it_holds(key: str, hint: str) -> None:
    error = refusal({key: "hunter2-hunter2"})
    path = "--path " if "." in key else ""
    assert [str(problem) for problem in error.problems] == [
        f"{key}: {hint}\n      pulumi config rm {path}{key} --stack dev"
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("boards.Blue", complete()["boards"]["green"] | {"subnet": "10.30.0.0/22"}),
        ("sources.charts.graphana", "oci://a.example"),
        ("sources.images.gitt", "docker.io/alpine/git:v2.49.1"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(key: str, value: object) -> None:
    error = refusal({key: value})
    assert [problem.key for problem in error.problems] == [key]
    assert error.problems[0].allowed.startswith("has a name that must be ")


@pytest.mark.parametrize("name", ["start", "grafana", "ranch", "code", "builds"])
def test_a_board_is_not_called_as_what_is_reached_below_the_zone(name: str) -> None:
    green = {**complete()["boards"]["green"], "subnet": "10.30.0.0/22"}
    (problem,) = refusal({f"boards.{name}": green}).problems
    assert problem.key == f"boards.{name}"
    assert problem.allowed.startswith("must be a name of its own below the zone, not that of ")


def test_a_rule_does_not_judge_by_a_list_or_map_that_is_not_whole() -> None:
    error = refusal({"boards.blue": "a board", "operators.cidrs": ["nowhere", "0.0.0.0/0"]})
    assert [problem.key for problem in error.problems] == ["operators.cidrs[0]", "boards.blue"]


def test_every_problem_is_named_at_once() -> None:
    error = refusal(
        {
            "environment": "prod",
            "domian": "example.org",
            "scaleway.zone": "fr-par-1",
            "scaleway.projectId": MISSING,
            "operators.cidrs[0]": "203.0.113.1/24",
            "boards.blue.pools.main.size": "two",
            "boards.green.subnet": "10.20.0.0/24",
            "activeBoard": "red",
            "gameApp.checkSeconds": 0,
        }
    )
    assert {problem.key for problem in error.problems} == {
        "environment",
        "domian",
        "scaleway.zone",
        "scaleway.projectId",
        "operators.cidrs[0]",
        "boards.blue.pools.main.size",
        "boards.green.subnet",
        "activeBoard",
        "gameApp.checkSeconds",
    }
    assert str(error).startswith("9 settings are wrong. Nothing was changed.")


def test_nothing_given_is_reported_as_every_missing_setting() -> None:
    with pytest.raises(SettingsError) as caught:
        parse({}, "dev")
    missing = [
        "environment domain scaleway.region scaleway.zone scaleway.projectId scaleway.accessKey scaleway.secretKey",
        "operators.cidrs operators.sshPublicKey operators.sshPrivateKey",
        "gamemaster.type gamemaster.subnet gamemaster.hostKey.public gamemaster.hostKey.private",
        "gamemaster.dnsUpdateKey boards activeBoard",
        "observability.grafanaAdminPassword observability.lokiPassword",
    ]
    assert [problem.key for problem in caught.value.problems] == " ".join(missing).split()


@pytest.mark.parametrize("server", ["smtp.example.org:99999", "smtp.example.org:65536", "smtp.example.org:0587"])
def test_a_mail_servers_port_is_one_that_there_is(server: str) -> None:
    mail = {"to": "a@example.org", "sender": "b@example.org", "user": "b@example.org", "password": PASSWORD}
    wrong: dict[str, object] = {"observability.notify": {"mail": {**mail, "server": server}}}
    assert f'server = "{server}": must be a mail server and its port, at most 65535' in str(refusal(wrong))
    parse(spoiled({"observability.notify": {"mail": {**mail, "server": "smtp.example.org:65535"}}}), "dev")

"""The commands that a message prints mend what it names, typed as they are printed: on the real engine."""

from __future__ import annotations

import pytest

from tests.commands.settings.environment import Environment
from tests.support.example import OTHER_KEY, SECRET_KEY, complete

WRONG: list[tuple[str, object]] = [
    ("domain", "example"),
    ("domain", ["example.org"]),
    ("environment", "production"),
    ("operators.cidrs", "203.0.113.0/24"),
    ("operators.cidrs", {}),
    ("operators.cidrs", []),
    ("operators.cidrs[1]", "198.51.100.7"),
    ("operators.sshPrivateKey", OTHER_KEY.private),
    ("operators.sshPublicKey", None),
    ("rancher.caBundle", "-----BEGIN"),
    ("delivery.signingKey", "-----BEGIN"),
    ("delivery.registryConfig", "{"),
    ("scaleway.secretKey", SECRET_KEY),
    ("scaleway.accessKey", None),
    ("gamemaster", "PLAY2-MICRO"),
    ("gamemaster", ["PLAY2-MICRO"]),
    ("gamemaster.volumeSizeGb", "many"),
    ("observability.signIn.tokenUrl", "http://login.example.org/token"),
    ("observability.logs", "long"),
    ("gameApp.host", 7),
    ('boards.blue.pools.main.labels["example.org/role"]', "-"),
    ("boards.blue.pools.main.taints[0].effect", "NoShedule"),
    ("boards.blue.pools.main.autoscaling", "yes"),
    ("boards.blue.kubernetesVersion", 1.36),
    ("boards.blue.pools.main.size", "2"),
    ("boards.blue.autoUpgrade", "tuesday"),
    ("boards.blue", None),
    ("teams.list[0].players[0]", "Ada"),
    ("domian", "example.org"),
    ("scaleway.secretkey", SECRET_KEY),
    ('boards.blue.pools.main.labels["a.b\\"c"]', "x"),
    ('sources.registries["gcr.io"]', "mirror.example.org"),
    ("boards.grafana", {**complete()["boards"]["green"], "subnet": "10.30.0.0/22"}),
    ("certificates.email", None),
]


@pytest.mark.parametrize(("key", "value"), WRONG, ids=[f"{key}={value!s:.20}" for key, value in WRONG])
def test_the_printed_commands_mend_it(environment: Environment, key: str, value: object) -> None:
    environment.put(key, value)
    error = environment.problems()
    assert error
    assert error.problems
    assert environment.mend(error)
    left = environment.problems()
    assert left is None, left


def test_of_several_entries_without_a_shape_each_is_removed_and_no_other(environment: Environment) -> None:
    teams = complete()["teams"]["list"]
    environment.put("teams.list", ["nobody", teams[0], ["nobody"], "nobody", teams[1]])
    error = environment.problems()
    assert error
    environment.mend(error)
    assert [team.name for team in environment.settings().teams.list] == [team["name"] for team in teams]


def test_teams_may_bear_names_that_the_engine_would_take_for_something_else(environment: Environment) -> None:
    environment.right["teams"]["list"][0]["players"][0] = "12345"
    environment.put("teams.list[0].players[0]", "Ada")
    error = environment.problems()
    assert error
    environment.mend(error)
    assert environment.settings().teams.list[0].players[0] == "12345"


def test_a_board_is_begun_by_the_commands_alone(environment: Environment) -> None:
    environment.put("boards", {})
    error = environment.problems()
    assert error
    environment.mend(error)
    assert list(environment.settings().boards) == ["blue"]

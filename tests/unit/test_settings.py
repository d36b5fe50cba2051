"""Settings as they are read: defaults, boards, environments, and the engine's own way to them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pulumi
import pytest
from pulumi.runtime import config as engine

from common.settings import SettingsError, load, parse
from common.versions import CHARTS
from tests.support.example import ACCESS_KEY, MISSING, complete, spoiled
from tests.unit.wrong_settings import refusal


def test_a_complete_environment_is_read_as_it_stands() -> None:
    settings = parse(complete(), "dev")
    assert settings.zone_name == "hunt-dev.example.org"
    assert settings.board.pools["main"].max_size == 4
    assert settings.board.pools["main"].labels == {"example.org/role": "game"}
    assert settings.scaleway.access_key.value == ACCESS_KEY
    assert settings.gamemaster.boot_timeout_seconds == 240


def test_what_is_left_out_has_its_default() -> None:
    left_out: dict[str, object] = {
        "subdomain": MISSING,
        "parentZone": MISSING,
        "scaleway.apiUrl": MISSING,
        "gamemaster.image": MISSING,
        "gameApp": MISSING,
        "sources": MISSING,
    }
    settings = parse(spoiled(left_out), "dev")
    assert settings.subdomain == "hunt"
    assert settings.parent_zone == "external"
    assert settings.scaleway.api_url == "https://api.scaleway.com"
    assert settings.game_app.check_seconds == 15
    assert settings.sources.debian == "https://deb.debian.org/debian"
    assert settings.sources.charts == {name: chart.repository for name, chart in CHARTS.items()}


GAME_ONLY = {"key": "game", "value": "only", "effect": "NoExecute"}


def test_a_board_whose_every_pool_is_tainted_is_refused() -> None:
    """Nothing could be scheduled on it, not even the cluster's own name server."""
    tainted = {"nodeType": "PRO2-XXS", "size": 1, "taints": [GAME_ONLY]}
    [problem] = refusal({"boards.green.pools": {"main": tainted, "spare": tainted}}).problems
    assert str(problem) == (
        'boards.green.pools.main.taints = ["game=only:NoExecute"]: must be left out of one pool at least: no pod of '
        "the game, nor the cluster's own, tolerates it\n      "
        "pulumi config rm --path boards.green.pools.main.taints --stack dev"
    )


@pytest.mark.parametrize("beside", [[], [GAME_ONLY | {"effect": "PreferNoSchedule"}]])
def test_a_tainted_pool_beside_another_is_allowed(beside: list[object]) -> None:
    pool = {"nodeType": "PRO2-XXS", "size": 1}
    parse(
        spoiled({"boards.green.pools": {"main": pool | {"taints": [GAME_ONLY]}, "spare": pool | {"taints": beside}}}),
        "dev",
    )


@pytest.mark.parametrize(
    ("pools", "nodes"),
    [
        ({"main": {"nodeType": "PRO2-XXS", "size": 2}}, 2),
        ({"main": {"nodeType": "PRO2-XXS", "size": 3, "autoscaling": True}}, 1),
        (
            {
                "main": {"nodeType": "PRO2-XXS", "size": 1},
                "game": {"nodeType": "PRO2-XXS", "size": 2, "taints": [GAME_ONLY]},
            },
            1,
        ),
    ],
    ids=["too few", "may become too few", "tainted"],
)
def test_more_lokis_than_nodes_are_refused(pools: object, nodes: int) -> None:
    """The chart lets no two of them be on one node: the others would never be ready."""
    [problem] = refusal({"boards.blue.pools": pools, "observability.logs.replicas": 3}).problems
    assert problem.key == "observability.logs.replicas"
    assert f"at most the board's nodes without a taint, of which there may be {nodes}" in problem.allowed
    assert problem.commands == ("pulumi config set --path observability.logs.replicas 1 --stack dev",)


def test_as_many_lokis_as_nodes_are_allowed() -> None:
    pools = {"main": {"nodeType": "PRO2-XXS", "size": 3}}
    parse(spoiled({"boards.blue.pools": pools, "observability.logs.replicas": 3}), "dev")


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_everybody_may_reach_the_game_master_by_ssh_outside_production(environment: str) -> None:
    open_to_all = spoiled({"environment": environment, "operators.cidrs[0]": "0.0.0.0/0"})
    assert "0.0.0.0/0" in parse(open_to_all, environment).operators.cidrs


def test_production_refuses_ssh_from_everywhere() -> None:
    error = refusal({"environment": "production", "operators.cidrs[1]": "0.0.0.0/0"}, stack="production")
    assert [problem.key for problem in error.problems] == ["operators.cidrs[1]"]


def test_a_rehearsal_may_use_loopback_without_tls() -> None:
    local = {
        "environment": "rehearsal",
        "scaleway.apiUrl": "http://127.10.0.1:8080",
        "sources.charts.loki": "http://127.10.0.2:8080",
    }
    assert parse(spoiled(dict(local)), "rehearsal-two").environment == "rehearsal"


def test_a_rehearsal_that_would_reach_scaleway_is_refused() -> None:
    error = refusal({"environment": "rehearsal"}, stack="rehearsal")
    assert [problem.key for problem in error.problems] == ["scaleway.apiUrl"]
    assert "must be a URL on loopback in a rehearsal" in error.problems[0].allowed


@pytest.mark.parametrize("environment", ["dev", "production"])
def test_a_stack_of_another_environment_is_refused(environment: str) -> None:
    assert refusal({"environment": environment}, stack="rehearsal").problems[0].key == "environment"


class TestFromTheEngine:
    """The configuration as the engine hands it over: text, and objects as JSON."""

    @pytest.fixture(autouse=True)
    def _nothing_left_behind(self) -> Iterator[None]:
        yield
        engine.set_all_config({}, [])

    def given(self, tree: dict[str, object], *, secret: tuple[str, ...]) -> pulumi.Config:
        values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in tree.items()}
        engine.set_all_config(
            {f"shambhala:{key}": value for key, value in values.items()} | {"aws:region": "elsewhere"},
            [f"shambhala:{key}" for key in secret],
        )
        return pulumi.Config("shambhala")

    HOLDS_SECRETS = ("scaleway", "operators", "gamemaster", "rancher", "observability", "delivery")

    def test_settings_are_read(self) -> None:
        config = self.given(complete(), secret=self.HOLDS_SECRETS)
        assert load(config, "dev") == parse(complete(), "dev")

    def test_an_object_that_is_no_json_is_refused(self) -> None:
        config = self.given(spoiled({"boards": "{blue"}), secret=self.HOLDS_SECRETS)
        with pytest.raises(SettingsError, match=r"boards = \"\{blue\": must be an object"):
            load(config, "dev")

    def test_of_two_boards_of_one_name_neither_is_taken(self) -> None:
        green = json.dumps(complete()["boards"]["green"])
        config = self.given(spoiled({"boards": f'{{"green": {green}, "green": {green}}}'}), secret=self.HOLDS_SECRETS)
        with pytest.raises(SettingsError, match=r"boards\.green: must be given once"):
            load(config, "dev")

    def test_an_unknown_key_is_refused(self) -> None:
        config = self.given(spoiled({"gameapp": {}}), secret=self.HOLDS_SECRETS)
        with pytest.raises(SettingsError, match=r"shambhala:gameapp: is no setting \(did you mean gameApp\?\)"):
            load(config, "dev")


def test_with_a_certificate_that_nobody_trusts_the_agents_are_told_what_to_trust() -> None:
    staging: dict[str, object] = {"sources.acmeDirectory": MISSING, "rancher.caBundle": MISSING}
    assert [problem.key for problem in refusal(staging).problems] == ["rancher.caBundle"]
    parse(spoiled({"sources.acmeDirectory": MISSING}), "dev")
    parse(spoiled({**staging, "rancher.enabled": False}), "dev")
    parse(spoiled({**staging, "certificates.authority": "production"}), "dev")

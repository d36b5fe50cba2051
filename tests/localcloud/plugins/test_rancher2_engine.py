"""pulumi_rancher2's SDK, the real engine, the stand-in plugin and the Rancher stand-in together."""

from __future__ import annotations

from functools import partial
from typing import cast

import pulumi
import pulumi_rancher2 as rancher2
import pytest
from pulumi import automation as auto

from gamemaster.rancher_bootstrap import RancherBootstrap, RancherBootstrapArgs
from tests.localcloud.plugins.engine import Engine
from tests.localcloud.plugins.rancher_host import DAY, INITIAL_PASSWORD, RancherHost

# Building the engine, where there is none yet, is no part of a test's time.
pytestmark = pytest.mark.timeout(func_only=True)


def game_master(rancher: RancherHost, cluster_name: str = "board") -> None:
    """What the game needs of Rancher: its first set-up, a setting, and a cluster that joins."""
    first = rancher2.Provider("first", api_url=rancher.url, bootstrap=True, timeout="5s")
    admin = rancher2.Bootstrap(
        "admin",
        initial_password=INITIAL_PASSWORD,
        password="second-password",
        opts=pulumi.ResourceOptions(provider=first),
    )
    provider = rancher2.Provider("rancher", api_url=admin.url, token_key=admin.token, timeout="5s")
    options = pulumi.ResourceOptions(provider=provider)
    rancher2.Setting("landing", name="ui-default-landing", value="vue", opts=options)
    cluster = rancher2.Cluster("board", name=cluster_name, description="the board", opts=options)
    synced = rancher2.ClusterSync("joined", cluster_id=cluster.id, state_confirm=2, opts=options)
    pulumi.export("manifest", cluster.cluster_registration_token.manifest_url)
    pulumi.export("cluster", synced.cluster_id)
    pulumi.export("kubeconfig", synced.kube_config)
    pulumi.export("token", admin.token)


def test_rancher_is_set_up_imports_a_cluster_outlives_its_token_and_lets_the_cluster_go(
    rancher: RancherHost, engine: Engine
) -> None:
    rancher.every_agent = True
    engine.program = lambda: game_master(rancher)
    assert engine.preview() == {"create": 7}
    assert engine.up() == {"create": 7}
    outputs = engine.outputs()
    token, is_secret = outputs["token"]
    assert is_secret
    assert outputs["kubeconfig"][1]
    assert outputs["manifest"][0].startswith(f"{rancher.url}/v3/import/")
    state = engine.state()
    assert "second-password" not in state
    assert token not in state
    assert token not in "".join(engine.printed)

    assert engine.up() == {"same": 7}
    assert engine.refresh() == {"same": 7}
    assert engine.up() == {"same": 7}

    assert engine.up(lambda: game_master(rancher, "table")) == {"same": 6, "update": 1}
    assert engine.resource("rancher2:index/cluster:Cluster")["outputs"]["name"] == "table"
    assert engine.warnings() == []

    # An expired token is a clear error, and what the error says to do helps.
    rancher.ahead = 91 * DAY
    engine.program = lambda: game_master(rancher, "chair")
    with pytest.raises(auto.CommandError, match="does not take the API token: it has expired or was deleted"):
        engine.up()
    engine.refresh(engine.resource("rancher2:index/bootstrap:Bootstrap")["urn"])
    assert engine.up()["update"] >= 2
    assert engine.outputs()["token"][0] != token
    assert engine.refresh().get("delete", 0) == 0

    assert engine.destroy() == {"delete": 7}


def run_by_the_game_master(
    rancher: RancherHost, period: int, cluster_name: str = "board", datastore: pulumi.Input[str] = "a"
) -> None:
    """What the game master makes of Rancher, and a cluster that one of its boards would be."""
    bootstrap = RancherBootstrap(
        "rancher-bootstrap",
        RancherBootstrapArgs(
            url="https://rancher.example.org",
            api_url=rancher.url,
            ca_certs=None,
            bootstrap_password=pulumi.Output.secret(INITIAL_PASSWORD),
            admin_password=pulumi.Output.secret("second-password"),
            machine=pulumi.ComponentResource("shambhala:tests:Machine", "machine"),
            datastore=datastore,
            period=period,
        ),
    )
    boards = rancher2.Provider("boards", api_url=rancher.url, token_key=bootstrap.token, timeout="5s")
    rancher2.Cluster(
        "board",
        name=cluster_name,
        opts=pulumi.ResourceOptions(
            provider=boards, replacement_trigger=bootstrap.datastore, delete_before_replace=True
        ),
    )
    pulumi.export("token", bootstrap.token)


def known_later() -> pulumi.Output[str]:
    return cast("pulumi.Output[str]", pulumi.Output.from_input(pulumi.UNKNOWN))


def token_of(engine: Engine) -> str:
    token, is_secret = engine.outputs()["token"]
    assert is_secret
    return token


def test_a_new_period_has_a_new_token_and_boards_go_on_with_it_also_when_the_old_one_has_ended(
    rancher: RancherHost, engine: Engine
) -> None:
    engine.program = partial(run_by_the_game_master, rancher, 1)
    engine.up()
    first = token_of(engine)
    # An update within the period leaves everything alone.
    assert set(engine.up()) == {"same"}

    rancher.ahead = 60 * DAY
    changes = engine.up(partial(run_by_the_game_master, rancher, 2))
    assert changes["replace"] == 1
    second = token_of(engine)
    assert second != first
    # Rancher itself has no setting that the login for the token would have changed.
    assert set(engine.refresh()) == {"same"}
    assert set(engine.up()) == {"same"}
    # The first token has ended by now, so this is done with the second.
    rancher.ahead = 100 * DAY
    assert engine.up(partial(run_by_the_game_master, rancher, 2, "table"))["update"] == 1

    # Nobody has run it for half a year: the update that comes then heals it.
    rancher.ahead = 300 * DAY
    engine.up(partial(run_by_the_game_master, rancher, 6, "chair"))
    assert token_of(engine) not in {first, second}
    assert set(engine.up()) == {"same"}
    assert "second-password" not in engine.state()
    assert token_of(engine) not in engine.state()


def test_a_rancher_that_begins_with_nothing_is_set_up_like_the_first_and_one_that_is_back_is_left_alone(
    rancher: RancherHost, engine: Engine
) -> None:
    rancher.be_on("a")
    engine.up(partial(run_by_the_game_master, rancher, 1))
    first = token_of(engine)
    assert set(engine.up()) == {"same"}

    rancher.be_on("b")
    assert rancher.logs_in(INITIAL_PASSWORD)
    # In a preview nobody knows yet with which data its host will come.
    engine.preview(lambda: run_by_the_game_master(rancher, 1, datastore=known_later()))
    engine.up(partial(run_by_the_game_master, rancher, 1, datastore="b"))
    assert not rancher.logs_in(INITIAL_PASSWORD)
    assert rancher.logs_in("second-password")
    settings = rancher.ask("GET", "/v3/settings", {}, token_of(engine))[1]["data"]
    told = {each["name"]: each["value"] for each in settings}
    assert told["server-url"] == "https://rancher.example.org"
    assert (told["telemetry-opt"], told["agent-tls-mode"]) == ("out", "system-store")
    assert [each["name"] for each in rancher.ask("GET", "/v3/clusters", {}, token_of(engine))[1]["data"]] == ["board"]
    assert set(engine.refresh()) == {"same"}
    assert set(engine.up()) == {"same"}

    # The data of before, as after a restore: what was set up in it counts, the first token too.
    rancher.be_on("a")
    assert rancher.logs_in("second-password")
    assert rancher.ask("GET", "/v3/tokens", {}, first)[0] == 200

"""The rancher2 stand-in plugin, asked over the plugin protocol, against the Rancher stand-in."""

from __future__ import annotations

import asyncio
from typing import cast

import aiohttp
import grpc
import pytest

from rehearsal.plugins.properties import UNKNOWN, Properties, Secret, Value, reveal
from rehearsal.plugins.rancher2.provider import Rancher2Provider, seconds
from tests.localcloud.plugins.background import Background
from tests.localcloud.plugins.plugin import Plugin
from tests.localcloud.plugins.rancher2_plugin import (
    BOOTSTRAP,
    CLUSTER,
    FIRST,
    SETTING,
    SYNC,
    TOKEN,
    configured,
    inputs_of,
)
from tests.localcloud.plugins.rancher_host import DAY, RancherHost


async def test_a_setting_is_taken_over_put_right_and_given_back_its_default(
    rancher2: Plugin,
) -> None:
    wanted: dict[str, Value] = {"name": "auth-token-max-ttl-minutes", "value": "0"}
    inputs = await inputs_of(rancher2, SETTING, wanted)
    identity, state = await rancher2.create(SETTING, wanted)
    assert (identity, state["value"]) == ("auth-token-max-ttl-minutes", "0")
    assert not (await rancher2.diff(SETTING, state, inputs, inputs)).changes
    # Somebody else changes it: the next update sees it after a refresh.
    await rancher2.update(SETTING, state, {**wanted, "value": "77"}, identity=identity)
    _, drifted = await rancher2.read(SETTING, identity, state, inputs)
    assert (await rancher2.diff(SETTING, drifted, inputs, inputs)).changed == ["value"]
    assert (await rancher2.diff(SETTING, state, inputs, {**inputs, "name": "other"})).replaces == ["name"]
    await rancher2.delete(SETTING, state, identity=identity)
    _, after = await rancher2.read(SETTING, identity, state, inputs)
    assert after["value"] == "129600"


async def test_a_setting_of_ones_own_goes_with_its_resource(rancher2: Plugin) -> None:
    wanted: dict[str, Value] = {"name": "game", "value": "on", "labels": {"a": "b"}}
    inputs = await inputs_of(rancher2, SETTING, wanted)
    identity, state = await rancher2.create(SETTING, wanted)
    assert state["labels"] == {"a": "b"}
    await rancher2.delete(SETTING, state, identity=identity)
    assert (await rancher2.read(SETTING, identity, state, inputs))[0] == ""
    await rancher2.delete(SETTING, state, identity=identity)


async def test_an_imported_cluster_is_pending_and_says_how_it_joins(rancher: RancherHost, rancher2: Plugin) -> None:
    wanted: dict[str, Value] = {
        "name": "board",
        "description": "the board",
        "annotations": {"rancher.io/imported-cluster-version-management": "false"},
    }
    inputs = await inputs_of(rancher2, CLUSTER, wanted)
    identity, state = await rancher2.create(CLUSTER, wanted)
    registration = cast("Properties", state["clusterRegistrationToken"])
    assert registration["clusterId"] == identity
    assert isinstance(registration["token"], Secret)
    assert str(registration["manifestUrl"]).startswith(f"{rancher.url}/v3/import/")
    assert str(registration["manifestUrl"]) in str(registration["command"])
    assert isinstance(state["kubeConfig"], Secret)
    assert str(state["defaultProjectId"]).startswith(f"{identity}:p-")
    assert state["driver"] == "imported"
    assert (await rancher2.read(CLUSTER, identity, state, inputs))[1] == state
    assert not (await rancher2.diff(CLUSTER, state, inputs, inputs)).changes


async def test_a_cluster_is_renamed_and_described_in_place_and_ranchers_own_annotations_stay(
    rancher2: Plugin,
) -> None:
    wanted: dict[str, Value] = {"name": "board", "annotations": {"field.cattle.io/owner": "rancher", "mine": "1"}}
    identity, state = await rancher2.create(CLUSTER, wanted)
    changed: dict[str, Value] = {"name": "table", "description": "new", "annotations": {"mine": "2"}}
    news = await inputs_of(rancher2, CLUSTER, changed)
    diff = await rancher2.diff(CLUSTER, state, state, news)
    assert (set(diff.changed), diff.replaces) == ({"name", "description", "annotations"}, [])
    after = await rancher2.update(CLUSTER, state, changed, identity=identity)
    assert (after["name"], after["description"]) == ("table", "new")
    assert after["annotations"] == {"field.cattle.io/owner": "rancher", "mine": "2"}
    assert not (await rancher2.diff(CLUSTER, after, news, news)).changes


async def test_a_cluster_without_a_name_is_named_after_its_resource_and_keeps_that_name(rancher2: Plugin) -> None:
    inputs = await inputs_of(rancher2, CLUSTER, {})
    assert str(inputs["name"]).startswith("step-")


async def test_deleting_a_cluster_waits_until_it_is_gone(rancher2: Plugin) -> None:
    wanted: dict[str, Value] = {"name": "board"}
    identity, state = await rancher2.create(CLUSTER, wanted)
    await rancher2.delete(CLUSTER, state, identity=identity)
    inputs = await inputs_of(rancher2, CLUSTER, wanted)
    assert (await rancher2.read(CLUSTER, identity, state, inputs))[0] == ""
    await rancher2.delete(CLUSTER, state, identity=identity)


async def test_what_the_stand_in_cannot_import_is_refused(rancher2: Plugin) -> None:
    _, failures = await rancher2.check(CLUSTER, {"name": "x", "eksConfigV2": {}, "driver": "k3s", "nam": "x"})
    assert set(failures) == {"eksConfigV2", "driver", "nam"}


async def test_cluster_sync_waits_for_the_agent(rancher: RancherHost, rancher2: Plugin) -> None:
    identity, cluster = await rancher2.create(CLUSTER, {"name": "board"})
    wanted: dict[str, Value] = {"clusterId": identity, "stateConfirm": 2}
    rancher2.log.clear()
    syncing = asyncio.ensure_future(rancher2.create(SYNC, wanted))
    while not any("pending" in line for line in rancher2.log):
        await asyncio.sleep(0.01)
    assert not syncing.done()
    registration = cast("Properties", cluster["clusterRegistrationToken"])
    rancher.agents.add(str(reveal(registration["token"])))
    synced, state = await syncing
    assert synced == identity
    assert state["synced"] is True
    assert state["defaultProjectId"] == cluster["defaultProjectId"]
    assert state["kubeConfig"] == cluster["kubeConfig"]
    assert state["nodes"] == []
    inputs = await inputs_of(rancher2, SYNC, wanted)
    assert not (await rancher2.diff(SYNC, state, inputs, inputs)).changes
    assert (await rancher2.diff(SYNC, state, inputs, {**inputs, "clusterId": "c-x"})).replaces == ["clusterId"]
    await rancher2.delete(SYNC, state, identity=identity)
    await rancher2.delete(CLUSTER, cluster, identity=identity)
    assert (await rancher2.read(SYNC, identity, state, inputs))[0] == ""


async def test_waiting_for_an_agent_that_never_comes_ends_when_it_is_cancelled(rancher2: Plugin) -> None:
    identity, _ = await rancher2.create(CLUSTER, {"name": "board"})
    rancher2.log.clear()
    syncing = asyncio.ensure_future(rancher2.create(SYNC, {"clusterId": identity}))
    while not any("pending" in line for line in rancher2.log):
        await asyncio.sleep(0.01)
    await rancher2.cancel()
    with pytest.raises(grpc.aio.AioRpcError, match="cancelled"):
        await syncing


async def test_a_token_is_made_replaced_once_expired_and_deleted(rancher: RancherHost, rancher2: Plugin) -> None:
    wanted: dict[str, Value] = {"description": "deploy", "ttl": DAY}
    inputs = await inputs_of(rancher2, TOKEN, wanted)
    identity, state = await rancher2.create(TOKEN, wanted)
    assert state["token"] == Secret(f"{state['accessKey']}:{reveal(state['secretKey'])}")
    assert isinstance(state["secretKey"], Secret)
    assert (state["ttl"], state["userId"], state["expired"]) == (DAY, "user-admin", False)
    _, read = await rancher2.read(TOKEN, identity, state, inputs)
    assert not (await rancher2.diff(TOKEN, read, inputs, inputs)).changes
    rancher.ahead = 2 * DAY
    _, read = await rancher2.read(TOKEN, identity, state, inputs)
    assert read["expired"] is True
    assert (await rancher2.diff(TOKEN, read, inputs, inputs)).replaces == ["renew"]
    await rancher2.delete(TOKEN, state, identity=identity)
    assert (await rancher2.read(TOKEN, identity, state, inputs))[0] == ""


async def test_a_provider_whose_token_has_expired_says_what_to_do(rancher: RancherHost, rancher2: Plugin) -> None:
    rancher.ahead = 91 * DAY
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await rancher2.create(CLUSTER, {"name": "board"})
    text = failure.value.details() or ""
    assert "does not take the API token: it has expired or was deleted" in text
    assert "pulumi refresh --target" in text


async def test_a_rancher_that_is_not_ready_is_waited_for_but_not_for_ever(
    rancher: RancherHost, bootstrap: Plugin, background: Background
) -> None:
    background.run(rancher.stop())
    with pytest.raises(grpc.aio.AioRpcError, match="did not become ready"):
        await bootstrap.create(BOOTSTRAP, FIRST)
    background.run(rancher.restart())
    assert (await bootstrap.create(BOOTSTRAP, FIRST))[0] == "user-admin"


async def test_a_cluster_of_a_rancher_that_is_down_is_not_forgotten_but_removed_the_next_time(
    rancher: RancherHost, rancher2: Plugin, bootstrap: Plugin
) -> None:
    inputs = await inputs_of(rancher2, CLUSTER, {"name": "board"})
    identity, state = await rancher2.create(CLUSTER, inputs)
    _, renewed = await bootstrap.create(BOOTSTRAP, {"initialPassword": Secret("second-password")})
    async with (
        aiohttp.ClientSession() as session,
        configured(apiUrl=rancher.url, tokenKey=renewed["token"], timeout="500ms") as later,
    ):
        async with session.post(f"{rancher.url}/rehearsal/down") as done:
            assert done.status == 204
        with pytest.raises(grpc.aio.AioRpcError, match="did not become ready"):
            await later.delete(CLUSTER, state, identity=identity)
        async with session.delete(f"{rancher.url}/rehearsal/down") as done:
            assert done.status == 204
        await later.delete(CLUSTER, state, identity=identity)
        assert (await later.read(CLUSTER, identity, state, inputs))[0] == ""


async def test_a_preview_knows_nothing_that_rancher_makes_up(rancher2: Plugin) -> None:
    _, planned = await rancher2.create(CLUSTER, {"name": "board"}, preview=True)
    assert planned["clusterRegistrationToken"] is UNKNOWN
    assert planned["annotations"] is UNKNOWN
    assert planned["name"] == "board"
    _, planned = await rancher2.create(SYNC, {"clusterId": UNKNOWN, "stateConfirm": 3}, preview=True)
    assert planned["kubeConfig"] is UNKNOWN


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "needs apiUrl"),
        ({"apiUrl": "rancher.game.test", "bootstrap": "true"}, "needs apiUrl"),
        ({"apiUrl": "https://rancher.game.test"}, "needs tokenKey, or accessKey and secretKey, or bootstrap"),
        ({"apiUrl": "https://rancher.game.test", "bootstrap": "true", "tokenKey": "a:b"}, "takes no tokenKey"),
        ({"apiUrl": "https://rancher.game.test", "bootstrap": "true", "timeout": "soon"}, "timeout must be a duration"),
    ],
)
async def test_settings_that_do_not_go_together_are_an_error(settings: dict[str, Value], text: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=text):
        async with configured(**settings):
            pass


async def test_settings_of_the_wrong_type_are_named() -> None:
    async with Plugin(Rancher2Provider()) as plugin:
        assert set(await plugin.check_config({"apiUrl": "https://x", "bootstrap": "maybe", "url": "x"})) == {
            "bootstrap must be true or false.",
            "url is not an input of this resource.",
        }


def test_durations_are_those_of_go() -> None:
    assert seconds("1m30s") == 90
    assert seconds("1.5h") == 5400
    assert seconds("500ms") == 0.5

"""`rancher2:Bootstrap` of the stand-in plugin, against the Rancher stand-in."""

from __future__ import annotations

import grpc
import pytest

from rehearsal.plugins.properties import Secret, Value, reveal
from tests.localcloud.plugins.plugin import Plugin
from tests.localcloud.plugins.rancher2_plugin import BOOTSTRAP, FIRST, inputs_of
from tests.localcloud.plugins.rancher_host import DAY, INITIAL_PASSWORD, RancherHost


async def test_bootstrap_sets_password_url_and_token_and_keeps_them_secret(
    rancher: RancherHost, bootstrap: Plugin
) -> None:
    identity, state = await bootstrap.create(BOOTSTRAP, {**FIRST, "tokenTtl": 3600})
    assert identity == "user-admin"
    assert state["url"] == rancher.url
    assert state["user"] == "admin"
    assert state["currentPassword"] == Secret("second-password")
    assert (state["tempToken"], state["tempTokenId"]) == (Secret(""), "")
    assert all(isinstance(state[name], Secret) for name in ("token", "password", "initialPassword"))
    assert str(reveal(state["token"])).startswith(f"{state['tokenId']}:")


async def test_bootstrap_makes_up_a_password_if_it_gets_none(bootstrap: Plugin) -> None:
    inputs: dict[str, Value] = {"initialPassword": INITIAL_PASSWORD}
    _, state = await bootstrap.create(BOOTSTRAP, inputs)
    assert isinstance(state["password"], Secret)
    assert state["password"] == state["currentPassword"]
    complete = await inputs_of(bootstrap, BOOTSTRAP, inputs)
    assert not (await bootstrap.diff(BOOTSTRAP, state, complete, complete)).changes


async def test_bootstrap_with_the_wrong_first_password_says_what_to_set(bootstrap: Plugin) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await bootstrap.create(BOOTSTRAP, {"initialPassword": "wrong-password"})
    text = failure.value.details() or ""
    assert "set initialPassword to the password that it was installed with" in text
    assert "wrong-password" not in text


async def test_a_bootstrapped_rancher_is_unchanged_until_its_token_has_expired(
    rancher: RancherHost, bootstrap: Plugin
) -> None:
    inputs = await inputs_of(bootstrap, BOOTSTRAP, FIRST)
    identity, state = await bootstrap.create(BOOTSTRAP, FIRST)
    same, read = await bootstrap.read(BOOTSTRAP, identity, state, inputs)
    assert (same, read) == (identity, state)
    assert not (await bootstrap.diff(BOOTSTRAP, read, inputs, inputs)).changes

    rancher.ahead = 91 * DAY
    _, read = await bootstrap.read(BOOTSTRAP, identity, state, inputs)
    assert (await bootstrap.diff(BOOTSTRAP, read, inputs, inputs)).changed == ["tokenUpdate"]
    renewed = await bootstrap.update(BOOTSTRAP, read, FIRST)
    assert renewed["token"] != state["token"]
    assert renewed["tokenUpdate"] is False


async def test_bootstrap_changes_the_password_and_leaves_the_token(bootstrap: Plugin) -> None:
    _, state = await bootstrap.create(BOOTSTRAP, FIRST)
    changed = await bootstrap.update(BOOTSTRAP, state, {**FIRST, "password": Secret("third-password")})
    assert changed["currentPassword"] == Secret("third-password")
    assert changed["token"] == state["token"]


async def test_bootstrap_into_which_nothing_lets_is_gone(rancher: RancherHost, bootstrap: Plugin) -> None:
    inputs = await inputs_of(bootstrap, BOOTSTRAP, FIRST)
    identity, state = await bootstrap.create(BOOTSTRAP, FIRST)
    rancher.ahead = 91 * DAY
    locked_out = {**state, "currentPassword": Secret("forgotten")}
    assert (await bootstrap.read(BOOTSTRAP, identity, locked_out, inputs))[0] == ""


async def test_deleting_bootstrap_leaves_rancher_as_it_is(bootstrap: Plugin) -> None:
    identity, state = await bootstrap.create(BOOTSTRAP, FIRST)
    await bootstrap.delete(BOOTSTRAP, state)
    inputs = await inputs_of(bootstrap, BOOTSTRAP, FIRST)
    assert (await bootstrap.read(BOOTSTRAP, identity, state, inputs))[0] == identity


async def test_bootstrap_needs_a_provider_for_it(rancher2: Plugin) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="needs a provider with bootstrap"):
        await rancher2.create(BOOTSTRAP, FIRST)

"""`rancher2:Bootstrap`: the first set-up of a Rancher: the admin's password, the server's URL, an API token.

Deleting it leaves Rancher as it is.
"""

from __future__ import annotations

import secrets
from typing import ClassVar

from rehearsal.plugins.properties import Properties, number_of, text_of, truth_of
from rehearsal.plugins.provider_model import Call, Created, Found, ProviderError
from rehearsal.plugins.rancher2.client import Rancher, RancherError, View, until
from rehearsal.plugins.rancher2.resource import RancherResource
from rehearsal.plugins.schema import Field, Fields, Kind

USER = "admin"
TOKEN_DESCRIPTION = "Terraform bootstrap admin token"  # noqa: S105 - what the official provider calls it
SESSION_DESCRIPTION = "Terraform bootstrap admin session"


class Bootstrap(RancherResource):
    """Logs in with the token that it made last, else with the password that it set last, else with the first one."""

    fields: ClassVar[Fields] = {
        "initialPassword": Field(kind=Kind.TEXT, secret=True, default="admin"),
        "password": Field(kind=Kind.TEXT, secret=True, computed=True),
        "tokenTtl": Field(kind=Kind.INTEGER, default=0),
        "tokenUpdate": Field(kind=Kind.BOOLEAN, default=False),
        "uiDefaultLanding": Field(kind=Kind.TEXT, choices=("ember", "vue"), default="ember"),
    }
    outputs: ClassVar[frozenset[str]] = frozenset(
        {"currentPassword", "token", "tokenId", "tempToken", "tempTokenId", "url", "user"}
    )
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"currentPassword", "token", "tempToken"})

    async def create(self, call: Call[Rancher], inputs: Properties) -> Created:
        rancher = _being_set_up(call.configuration)
        session = await _session(rancher, inputs)
        await _set(session, "ui-default-landing", text_of(inputs, "uiDefaultLanding"))
        outputs = await self._settled(session, {}, inputs, renew=True)
        user = await _admin(rancher.asked_with(text_of(outputs, "token")))
        return Created(str(user["id"]), outputs)

    async def update(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Properties:
        session = await _session(_being_set_up(call.configuration), state)
        renew = truth_of(inputs, "tokenUpdate", default=False) or await _expired(session, state)
        return await self._settled(session, state, inputs, renew=renew)

    async def _settled(self, session: Rancher, state: Properties, inputs: Properties, *, renew: bool) -> Properties:
        """Sets URL and password, makes a new token if asked to, and ends the session."""
        await _set(session, "server-url", session.url)
        token, identity = text_of(state, "token"), text_of(state, "tokenId")
        if renew:
            made = await _new_token(session, number_of(inputs, "tokenTtl", 0))
            token, stale, identity = str(made["token"]), identity, str(made["id"])
            await _delete_token(session.asked_with(token), stale)
        lasting = session.asked_with(token)
        password = text_of(inputs, "password") or text_of(state, "password") or secrets.token_urlsafe(15)
        await lasting.act(await _admin(lasting), "setpassword", {"newPassword": password})
        if session.token != token:
            await _delete_token(lasting, session.token.partition(":")[0])
        return {
            **inputs,
            "password": password,
            "currentPassword": password,
            "token": token,
            "tokenId": identity,
            "tokenUpdate": False,
            "tempToken": "",
            "tempTokenId": "",
            "url": str((await lasting.get("settings", "server-url"))["value"]),
            "user": USER,
        }

    async def read(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Found | None:
        """Marks a token that has expired to be made anew; gone when nothing lets us in any more."""
        try:
            session = await _session(_being_set_up(call.configuration), state)
        except LockedOutError:
            return None
        expired = await _expired(session, state)
        url = str((await session.get("settings", "server-url"))["value"])
        if session.token != text_of(state, "token"):
            await _delete_token(session, session.token.partition(":")[0])
        return Found(identity, {**state, "tokenUpdate": expired, "url": url}, inputs)

    async def delete(self, call: Call[Rancher], identity: str, state: Properties) -> None:
        return


class LockedOutError(ProviderError):
    """Neither token nor password is taken."""


def _being_set_up(rancher: Rancher) -> Rancher:
    if not rancher.bootstrap:
        raise ProviderError("rancher2.Bootstrap needs a provider with bootstrap set to true.")
    return rancher


async def _session(rancher: Rancher, known: Properties) -> Rancher:
    """A Rancher that lets us in. known: of token, currentPassword and initialPassword those that there are."""
    await rancher.ready()
    with_token = rancher.asked_with(text_of(known, "token"))
    if await with_token.valid():
        return with_token
    passwords = [text for name in ("currentPassword", "initialPassword") if (text := text_of(known, name))]

    async def login() -> Rancher | None:
        for password in passwords:
            try:
                return rancher.asked_with(await rancher.login(USER, password, SESSION_DESCRIPTION))
            except RancherError as error:
                if error.status != 401:
                    raise
        return None

    try:
        # A Rancher that has just started may not have its admin yet.
        return await until(login, rancher.timeout, "")
    except RancherError:
        raise
    except ProviderError as error:
        raise LockedOutError(
            f"Rancher at {rancher.url} lets {USER} in neither with the last password nor with the first one, for "
            f"{rancher.timeout:.0f} s: set initialPassword to the password that it was installed with."
        ) from error


async def _admin(rancher: Rancher) -> View:
    found = await rancher.list("users", username=USER)
    if not found:
        raise ProviderError(f"Rancher at {rancher.url} has no user {USER}.")
    return found[0]


async def _set(rancher: Rancher, name: str, value: str) -> None:
    await rancher.update(await rancher.get("settings", name), {"value": value})


async def _new_token(rancher: Rancher, ttl: int) -> View:
    """ttl: seconds; 0 for as long as Rancher lets a token live."""
    user = await _admin(rancher)
    return await rancher.create(
        "tokens", {"type": "token", "userId": user["id"], "description": TOKEN_DESCRIPTION, "ttl": ttl * 1000}
    )


async def _expired(rancher: Rancher, state: Properties) -> bool:
    token = await rancher.find("tokens", text_of(state, "tokenId")) if text_of(state, "tokenId") else None
    return token is None or bool(token["expired"])


async def _delete_token(rancher: Rancher, identity: str) -> None:
    token = await rancher.find("tokens", identity) if identity else None
    if token:
        await rancher.delete(token)

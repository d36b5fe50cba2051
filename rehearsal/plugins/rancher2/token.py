"""`rancher2:Token`: an API token. Nothing of it can be changed, so any change replaces it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rehearsal.plugins.properties import Properties, number_of, text_of, truth_of
from rehearsal.plugins.provider_model import Call, Created, Found
from rehearsal.plugins.rancher2.client import Rancher, View
from rehearsal.plugins.rancher2.resource import LABELS, RancherResource, described, description_of
from rehearsal.plugins.schema import Field, Fields, Kind


class Token(RancherResource):
    """With `renew`, a token that has expired or was disabled is replaced after the next refresh."""

    fields: ClassVar[Fields] = {
        "clusterId": Field(kind=Kind.TEXT, replaces=True),
        "description": Field(kind=Kind.TEXT, replaces=True),
        "renew": Field(kind=Kind.BOOLEAN, default=True, replaces=True),
        "ttl": Field(kind=Kind.INTEGER, replaces=True, computed=True),
        **{name: replace(known, replaces=True) for name, known in LABELS.items()},
    }
    outputs: ClassVar[frozenset[str]] = frozenset(
        {"accessKey", "enabled", "expired", "name", "secretKey", "token", "userId"}
    )
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"secretKey", "token"})

    async def create(self, call: Call[Rancher], inputs: Properties) -> Created:
        body: View = {"type": "token", "ttl": number_of(inputs, "ttl", 0) * 1000, **description_of(inputs, {})}
        for name in ("clusterId", "description"):
            if text_of(inputs, name):
                body[name] = text_of(inputs, name)
        view = await call.configuration.create("tokens", body)
        token = str(view["token"])
        access, _, secret = token.partition(":")
        kept: Properties = {"token": token, "accessKey": access, "secretKey": secret}
        return Created(str(view["id"]), {**inputs, **_outputs(view), **kept})

    async def read(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Found | None:
        view = await call.configuration.find("tokens", identity)
        if view is None:
            return None
        usable = bool(view["enabled"]) and not view["expired"]
        renew = truth_of(state, "renew", default=True) and usable
        return Found(identity, {**state, **_outputs(view), "renew": renew}, inputs)

    async def update(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Properties:
        return {**state, **inputs}

    async def delete(self, call: Call[Rancher], identity: str, state: Properties) -> None:
        view = await call.configuration.find("tokens", identity)
        if view:
            await call.configuration.delete(view)


def _outputs(view: View) -> Properties:
    return {
        "name": str(view["name"]),
        "enabled": bool(view["enabled"]),
        "expired": bool(view["expired"]),
        "ttl": int(view["ttl"]) // 1000,
        "userId": str(view["userId"]),
        **described(view),
    }

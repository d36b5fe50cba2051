"""`rancher2:Setting`: one of Rancher's settings; deleting it gives it back its default."""

from __future__ import annotations

from typing import ClassVar

from rehearsal.plugins.properties import Properties, text_of
from rehearsal.plugins.provider_model import Call, Created, Found
from rehearsal.plugins.rancher2.client import Rancher, View
from rehearsal.plugins.rancher2.resource import LABELS, RancherResource, described, description_of
from rehearsal.plugins.schema import Field, Fields, Kind


class Setting(RancherResource):
    """Its id is its name. One that there is already is taken over."""

    autonamed = True
    fields: ClassVar[Fields] = {
        "name": Field(kind=Kind.TEXT, required=True, replaces=True),
        "value": Field(kind=Kind.TEXT, required=True),
        **LABELS,
    }
    outputs: ClassVar[frozenset[str]] = frozenset()

    async def create(self, call: Call[Rancher], inputs: Properties) -> Created:
        rancher, name = call.configuration, text_of(inputs, "name")
        there = await rancher.find("settings", name)
        body = {"value": text_of(inputs, "value"), **description_of(inputs, described(there or {}))}
        if there:
            return Created(name, _outputs(await rancher.update(there, body)))
        return Created(name, _outputs(await rancher.create("settings", {"type": "setting", "name": name, **body})))

    async def read(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Found | None:
        view = await call.configuration.find("settings", identity)
        return Found(identity, _outputs(view), inputs) if view else None

    async def update(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Properties:
        rancher = call.configuration
        body = {"value": text_of(inputs, "value"), **description_of(inputs, state)}
        return _outputs(await rancher.update(await rancher.get("settings", identity), body))

    async def delete(self, call: Call[Rancher], identity: str, state: Properties) -> None:
        rancher = call.configuration
        view = await rancher.find("settings", identity)
        if view is None:
            return
        if view.get("creatorId"):
            await rancher.delete(view)
        else:
            await rancher.update(view, {"value": ""})


def _outputs(view: View) -> Properties:
    return {"name": str(view["name"]), "value": str(view["value"]), **described(view)}

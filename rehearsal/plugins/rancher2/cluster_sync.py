"""`rancher2:ClusterSync`: waits until an imported cluster is active, its agent there."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rehearsal.plugins.properties import Properties, number_of, text_of
from rehearsal.plugins.provider_model import Call, Created, Found
from rehearsal.plugins.rancher2.client import RETRY, Rancher, View, parts, until
from rehearsal.plugins.rancher2.cluster import TIMEOUT, kubeconfig, special_projects
from rehearsal.plugins.rancher2.resource import RancherResource
from rehearsal.plugins.schema import Field, Fields, Kind


class ClusterSync(RancherResource):
    """Its id is the cluster's. Deleting it does nothing."""

    fields: ClassVar[Fields] = {
        "clusterId": Field(kind=Kind.TEXT, required=True, replaces=True),
        "stateConfirm": Field(kind=Kind.INTEGER, default=1),
        "synced": Field(kind=Kind.BOOLEAN, default=True),
        "waitCatalogs": Field(kind=Kind.BOOLEAN, refused="it knows no catalogs."),
    }
    outputs: ClassVar[frozenset[str]] = frozenset({"defaultProjectId", "systemProjectId", "kubeConfig", "nodes"})
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"kubeConfig"})

    async def create(self, call: Call[Rancher], inputs: Properties) -> Created:
        return Created(text_of(inputs, "clusterId"), await self._synced(call, inputs, {}))

    async def update(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Properties:
        return await self._synced(call, inputs, state)

    async def _synced(self, call: Call[Rancher], inputs: Properties, state: Properties) -> Properties:
        identity = text_of(inputs, "clusterId")
        await _active(call, identity)
        for _ in range(1, number_of(inputs, "stateConfirm", 1)):
            await asyncio.sleep(RETRY)
            await _active(call, identity)
        return {**inputs, "synced": True, **await _seen(call.configuration, identity, state)}

    async def read(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Found | None:
        view = await call.configuration.find("clusters", identity)
        if view is None:
            return None
        if not _is_active(view):
            return Found(identity, {**state, "synced": False}, inputs)
        seen = await _seen(call.configuration, identity, state)
        return Found(identity, {**state, "synced": True, **seen}, inputs)

    async def delete(self, call: Call[Rancher], identity: str, state: Properties) -> None:
        return


def _is_active(view: View) -> bool:
    """Rancher sets the condition Updated once a cluster has joined."""
    return any(each["type"] == "Updated" and each["status"] == "True" for each in parts(view, "conditions"))


async def _active(call: Call[Rancher], identity: str) -> None:
    rancher = call.configuration

    async def look() -> bool | None:
        view = await rancher.find("clusters", identity)
        if view is not None:
            await call.log.status(f"{view['state']} {view.get('transitioningMessage') or ''}".strip())
        return True if view is not None and _is_active(view) else None

    await until(
        look,
        call.timeout or TIMEOUT,
        f"Cluster {identity} did not become active: apply the manifest at its clusterRegistrationToken.manifestUrl.",
    )


async def _seen(rancher: Rancher, identity: str, state: Properties) -> Properties:
    default_project, system_project = await special_projects(rancher, identity)
    return {
        "defaultProjectId": default_project,
        "systemProjectId": system_project,
        "kubeConfig": await kubeconfig(rancher, identity, text_of(state, "kubeConfig")),
        "nodes": [_node(view) for view in await rancher.list("nodes", clusterId=identity)],
    }


def _node(view: View) -> Properties:
    names = {
        "id": "id",
        "clusterId": "clusterId",
        "name": "nodeName",
        "hostname": "hostname",
        "ipAddress": "ipAddress",
        "externalIpAddress": "externalIpAddress",
        "providerId": "providerId",
        "requestedHostname": "requestedHostname",
    }
    shown: Properties = {name: str(view.get(source) or "") for name, source in names.items()}
    roles = {"control_plane": "controlPlane", "etcd": "etcd", "worker": "worker"}
    shown["roles"] = [role for role, source in roles.items() if view.get(source)]
    return shown

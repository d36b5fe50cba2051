"""The rancher2 stand-in plugin, configured, and the type tokens of its resources."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from rehearsal.plugins.properties import Properties, Secret, Value
from rehearsal.plugins.rancher2.provider import Rancher2Provider
from tests.localcloud.plugins.plugin import Plugin
from tests.localcloud.plugins.rancher_host import INITIAL_PASSWORD

BOOTSTRAP = "rancher2:index/bootstrap:Bootstrap"
SETTING = "rancher2:index/setting:Setting"
CLUSTER = "rancher2:index/cluster:Cluster"
SYNC = "rancher2:index/clusterSync:ClusterSync"
TOKEN = "rancher2:index/token:Token"

FIRST: dict[str, Value] = {"initialPassword": Secret(INITIAL_PASSWORD), "password": Secret("second-password")}


@contextlib.asynccontextmanager
async def configured(**settings: Value) -> AsyncGenerator[Plugin]:
    async with Plugin(Rancher2Provider()) as plugin:
        await plugin.configure(settings)
        yield plugin


async def inputs_of(plugin: Plugin, token: str, inputs: dict[str, Value]) -> Properties:
    complete, failures = await plugin.check(token, inputs)
    assert not failures
    return complete

"""A running stand-in and a client of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from rehearsal.scaleway import Credentials, ScalewayApi
from rehearsal.session import Session
from tests.localcloud.contract.backends import NoClusters, NoMachines

ZONE, REGION = "fr-par-1", "fr-par"
INSTANCE = f"/instance/v1/zones/{ZONE}"
INTERFACES = f"/instance/v2alpha1/zones/{ZONE}/private-network-interfaces"
VPC = f"/vpc/v2/regions/{REGION}"
K8S = f"/k8s/v1/regions/{REGION}"
IPAM = f"/ipam/v1/regions/{REGION}"
LB = f"/lb/v1/zones/{ZONE}"
GATEWAY = f"/vpc-gw/v2/zones/{ZONE}"
BLOCK = f"/block/v1/zones/{ZONE}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    """JSON, or None if there was none."""
    headers: Mapping[str, str]

    @property
    def id(self) -> str:
        """Of the resource in it; the Instance API wraps its resources in an object with one key."""
        found: str = self.body["id"] if "id" in self.body else next(iter(self.body.values()))["id"]
        return found


class Cloud:
    """The stand-in on machines and clusters that do nothing; long_poll_seconds=0 shows every transitional state."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.credentials = Credentials.load_or_create(session)
        self.machines = NoMachines()
        self.clusters = NoClusters()
        self.api = self._new()
        self._session = aiohttp.ClientSession()

    async def start(self) -> None:
        await self.api.start()

    async def stop(self) -> None:
        await self._session.close()
        await self.api.stop()

    async def restart(self) -> None:
        """Another process takes over: same files, machines and clusters, nothing in memory."""
        await self.api.stop()
        self.api = self._new()
        await self.api.start()

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = "", text: str | None = None
    ) -> Answer:
        """One request. token: that of the rehearsal by default, None for none. text: a body that is no JSON."""
        headers = {} if token is None else {"X-Auth-Token": token or self.credentials.secret_key}
        data = json.dumps(body) if text is None and body is not None else text
        async with self._session.request(method, self.api.url + path, headers=headers, data=data) as response:
            is_json = response.content_type == "application/json"
            return Answer(response.status, await response.json() if is_json else None, response.headers.copy())

    async def made(self, path: str, body: object) -> str:
        """The id of a new resource."""
        answer = await self.ask("POST", path, body)
        assert answer.status in (200, 201), answer.body
        return answer.id

    async def server(self, **fields: object) -> str:
        """A new server, stopped."""
        images = await self.ask("GET", f"/marketplace/v2/local-images?image_label=debian_trixie&zone={ZONE}")
        image = images.body["local_images"][0]["id"]
        body = {"name": "master", "commercial_type": "DEV1-S", "image": image, **fields}
        return await self.made(f"{INSTANCE}/servers", body)

    async def network(self) -> str:
        return await self.made(f"{VPC}/private-networks", {"name": "inside"})

    async def cluster(self, network: str) -> str:
        body = {"name": "board", "version": "1.36.3", "private_network_id": network}
        return await self.made(f"{K8S}/clusters", body)

    def _new(self) -> ScalewayApi:
        return ScalewayApi(self.session, self.machines, self.clusters, self.credentials, long_poll_seconds=0)


async def until(cloud: Cloud, path: str, **fields: object) -> Answer:
    """Ask until the answer (or the resource in it) has these values; pytest's own timeout ends a vain wait."""
    while True:
        answer = await cloud.ask("GET", path)
        resource = answer.body if "id" in answer.body else next(iter(answer.body.values()))
        if all(resource[name] == value for name, value in fields.items()):
            return answer


async def until_gone(cloud: Cloud, path: str) -> None:
    """Ask until there is nothing any more."""
    while (await cloud.ask("GET", path)).status != 404:
        pass

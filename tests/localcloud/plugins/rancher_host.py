"""The Rancher stand-in on loopback, with a clock and agents that the test sets."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.rancher import RancherStandIn
from rehearsal.session import Session

INITIAL_PASSWORD = "first-password"
DAY = 24 * 3600


class RancherHost:
    def __init__(self, home: Path) -> None:
        self.agents: set[str] = set()
        self.ahead = 0.0
        self.every_agent = False
        self._session = Session(name="test", home=home, slot=10)
        self.stand_in = self._new()
        self.url = ""
        self._port = 0

    def _new(self) -> RancherStandIn:
        return RancherStandIn(
            self._session, self._agent_ready, initial_password=INITIAL_PASSWORD, clock=lambda: time.time() + self.ahead
        )

    async def _agent_ready(self, registration: str) -> bool:
        return self.every_agent or registration in self.agents

    async def start(self) -> None:
        self.url = await self.stand_in.start("127.0.0.1", self._port)
        self._port = int(self.url.rpartition(":")[2])

    async def stop(self) -> None:
        await self.stand_in.stop()

    def ask(self, method: str, path: str, body: Mapping[str, str], token: str = "") -> tuple[int, Any]:
        """Status and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")

    def be_on(self, datastore: str) -> None:
        """As when its host has been made anew, and begins with that data."""
        assert self.ask("PUT", "/rehearsal/datastore", {"id": datastore}) == (204, None)

    def logs_in(self, password: str) -> bool:
        """Whether the admin has that password."""
        return self.ask("POST", "/v1-public/login", {"username": "admin", "password": password})[0] == 200

    async def restart(self) -> None:
        """As after a crash: a new process with the same folder and address."""
        await self.stop()
        self.stand_in = self._new()
        await self.start()

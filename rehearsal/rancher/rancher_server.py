"""The stand-in as something that is started and stopped."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from rehearsal.rancher.api import Api
from rehearsal.rancher.api_context import AgentReady
from rehearsal.rancher.state import State
from rehearsal.session import Block, Service, Session

__all__ = ["AgentReady", "RancherStandIn"]

PORT = 8080


async def no_agent(registration: str) -> bool:
    """Sees no cluster's agent."""
    del registration
    return False


class RancherStandIn:
    """Rancher's API on one address. What it holds survives a restart, in rancher.json of the rehearsal's folder.

    What a Rancher of another datastore held lies beside it, for when that datastore is back.
    """

    def __init__(
        self,
        session: Session,
        agent_ready: AgentReady = no_agent,
        *,
        initial_password: str = "admin",  # noqa: S107 - what a Rancher without a bootstrap password has
        clock: Callable[[], float] = time.time,
    ) -> None:
        """agent_ready: tells whether a cluster's agent is there; it gets the cluster's registration token.

        initial_password: the admin's, in a rehearsal that has no Rancher yet. clock: seconds since 1970.
        """
        self._session = session
        self._agent_ready = agent_ready
        self._initial_password = initial_password
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, host: str | None = None, port: int = PORT) -> str:
        """Serves plain HTTP and returns the URL; port 0 takes a free one. Without a host, the rehearsal's own."""
        state = State(self._session.home / "rancher.json", self._initial_password)
        self._runner = web.AppRunner(Api(state, self._agent_ready, self._clock).application(), access_log=None)
        await self._runner.setup()
        address = host or self._session.address(Block.SERVICES, Service.RANCHER)
        await web.TCPSite(self._runner, address, port).start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://{address}:{bound}"
        return self.url

    async def stop(self) -> None:
        """Stops serving; what it holds stays in its file."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

"""State, clock and agents that the routes of Rancher's API work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from rehearsal.rancher.state import State, Token
from rehearsal.rancher.views import Views

AgentReady = Callable[[str], Awaitable[bool]]
"""Whether the agent of the cluster with this registration token is ready."""
CALLER = web.RequestKey("caller", Token)
"""Token with which a request was authenticated."""


@dataclass(frozen=True)
class ApiContext:
    """clock: seconds since 1970."""

    state: State
    agent_ready: AgentReady
    clock: Callable[[], float]

    @property
    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)

    def views(self, request: web.Request) -> Views:
        """Views with links to the address that the client reached, also behind a proxy."""
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
        return Views(self.state, f"{scheme}://{request.host}", self.now)

"""Listeners of this machine that lead into a board and out of it.

Pods reach the API at this machine's address in the board's network: a loopback address may not be an endpoint, and
what is sent to the node's own address is not judged by NetworkPolicies. Load balancers' addresses lead to node ports.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Mapping

from rehearsal.instances import port_redirection
from rehearsal.instances.forwarding import TcpForwarder
from rehearsal.instances.listening_sockets import listening

_LOG = logging.getLogger(__name__)

Listener = tuple[str, int]
"""Address and port at which callers are let in."""
Target = tuple[str, int]
"""Address and port to which they are led."""


class BoardNetwork:
    """Everything that leads into one board and out of it.

    label: by which redirections of the packet filter are found again (rehearsal.instances.port_redirection).
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._open: dict[Listener, tuple[Target, TcpForwarder, int]] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()

    async def lead(self, wanted: Mapping[Listener, Target]) -> None:
        """Let in callers at exactly these listeners; one that cannot be opened is logged, and left out."""
        async with self._changing:
            for listener, (target, _, _) in list(self._open.items()):
                if wanted.get(listener) != target:
                    await self._close(listener)
            for listener in sorted(set(wanted) - set(self._open)):
                try:
                    await self._lead(listener, wanted[listener])
                except OSError as error:
                    _LOG.error("%s:%d cannot be opened: %s", *listener, error.strerror)

    async def close(self) -> None:
        """Let in nobody, and break the connections that stand."""
        await self.lead({})
        for connection in self._connections:
            connection.cancel()

    async def _lead(self, listener: Listener, target: Target) -> None:
        address, port = listener
        bound = _bind(address, port)
        listens_on = int(bound.getsockname()[1])
        if listens_on != port:
            await port_redirection.redirect(self._label, "TCP", address, port, listens_on)
        forwarder = TcpForwarder(*target, lambda _caller: True, self._connections)
        await forwarder.open(bound)
        self._open[listener] = (target, forwarder, listens_on)

    async def _close(self, listener: Listener) -> None:
        address, port = listener
        _, forwarder, listens_on = self._open.pop(listener)
        forwarder.close()
        if listens_on != port:
            await port_redirection.end(self._label, "TCP", address, port, listens_on)


def _bind(address: str, port: int) -> socket.socket:
    """A socket at that port, or at a free one when a program of this machine has the port on every address."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            bound.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _held_everywhere(port):
                raise
            bound.bind((address, 0))
    except OSError:
        bound.close()
        raise
    return bound


def _held_everywhere(port: int) -> bool:
    return any(found.protocol == "TCP" and found.port == port and found.address.is_unspecified for found in listening())

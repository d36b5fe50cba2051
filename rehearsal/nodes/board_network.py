"""Listeners of this machine that lead into a board and out of it.

Pods reach the API at this machine's address in the board's network: a loopback address may not be an endpoint, and
what is sent to the node's own address is not judged by NetworkPolicies. So they reach the game master's name server.
Load balancers' addresses lead to node ports.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rehearsal.instances import port_redirection
from rehearsal.instances.docker import InstanceError
from rehearsal.instances.forwarding import TcpForwarder, UdpForwarder
from rehearsal.instances.listening_sockets import listening

_LOG = logging.getLogger(__name__)
_KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}

Listener = tuple[str, str, int]
"""Protocol (TCP or UDP), address and port at which callers are let in."""
Target = tuple[str, int]
"""Address and port to which they are led."""


@dataclass(frozen=True)
class _Open:
    target: Target
    forwarder: TcpForwarder | UdpForwarder
    proxied: bool
    listens_on: int
    """Port that is bound: another one than the listener's where a program of this machine has that one."""


class BoardNetwork:
    """Everything that leads into one board and out of it.

    label: by which redirections of the packet filter are found again (rehearsal.instances.port_redirection).
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._open: dict[Listener, _Open] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._refused: set[Listener] = set()
        self._changing = asyncio.Lock()

    async def lead(self, wanted: Mapping[Listener, Target], proxied: Collection[Listener] = ()) -> None:
        """Let in callers at exactly these listeners.

        proxied: those whose targets are told the callers' addresses by the proxy protocol.
        One that cannot be opened is logged once, and tried again at the next call.
        """
        async with self._changing:
            for listener, opened in list(self._open.items()):
                if wanted.get(listener) != opened.target or (listener in proxied) != opened.proxied:
                    await self._close(listener)
            for listener in sorted(set(wanted) - set(self._open)):
                try:
                    await self._lead(listener, wanted[listener], proxied=listener in proxied)
                except (OSError, InstanceError) as error:
                    if listener not in self._refused:
                        self._refused.add(listener)
                        _LOG.error("%s %s:%d of a board cannot be opened: %s", *listener, error)

    async def close(self) -> None:
        """Let in nobody, and break the connections that stand."""
        await self.lead({})
        for connection in self._connections:
            connection.cancel()

    async def _lead(self, listener: Listener, target: Target, *, proxied: bool) -> None:
        protocol, address, port = listener
        bound = _bind(listener)
        listens_on = int(bound.getsockname()[1])
        try:
            if listens_on != port:
                await port_redirection.redirect(self._label, protocol, address, port, listens_on)
            forwarder = self._forwarder(protocol, target, proxied=proxied)
            await forwarder.open(bound)
        except BaseException:
            bound.close()
            raise
        self._open[listener] = _Open(target, forwarder, proxied, listens_on)

    def _forwarder(self, protocol: str, target: Target, *, proxied: bool) -> TcpForwarder | UdpForwarder:
        if protocol == "TCP":
            return TcpForwarder(*target, lambda _caller: True, self._connections, proxy_protocol=proxied)
        return UdpForwarder(*target, lambda _caller: True)

    async def _close(self, listener: Listener) -> None:
        protocol, address, port = listener
        opened = self._open.pop(listener)
        opened.forwarder.close()
        if opened.listens_on != port:
            await port_redirection.end(self._label, protocol, address, port, opened.listens_on)


def _bind(listener: Listener) -> socket.socket:
    """A socket at that port, or at a free one when a program of this machine has the port on every address."""
    protocol, address, port = listener
    bound = socket.socket(socket.AF_INET, _KINDS[protocol])
    if protocol == "TCP":
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            bound.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _held_everywhere(protocol, port):
                raise
            bound.bind((address, 0))
    except OSError:
        bound.close()
        raise
    return bound


def _held_everywhere(protocol: str, port: int) -> bool:
    return any(
        found.protocol == protocol and found.port == port and found.address.is_unspecified for found in listening()
    )

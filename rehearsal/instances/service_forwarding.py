"""Services of the rehearsal at the same loopback addresses inside an Instance as on the host.

An Instance has a loopback interface of its own and cannot reach the host's. For every service of the rehearsal
(Block.SERVICES) a socket listens in the Instance's network namespace and forwards to the host, so that one URL in a
rehearsal's settings holds everywhere.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import socket
import threading
from ipaddress import IPv4Network
from pathlib import Path

from rehearsal.instances.forwarding import TcpForwarder
from rehearsal.instances.listening_sockets import listening
from rehearsal.processes import started_at
from rehearsal.session import Block, Session

POLL_SECONDS = 0.5
"""Between two polls of the host's listening sockets."""
_CLONE_NEWNET = 0x40000000

Endpoint = tuple[str, int]
"""Address and port."""


class ServiceForwarding:
    """Forwarders from one Instance to the rehearsal's services."""

    def __init__(self, session: Session) -> None:
        self._network = IPv4Network((session.address(Block.SERVICES, 1), 24), strict=False)
        self._open: dict[Endpoint, TcpForwarder] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._machine: tuple[int, int] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def follow(self, process: int, started: int) -> None:
        """Forward from the Instance whose init is this process of the host."""
        if self._machine != (process, started):
            await self.close_all()
            self._machine = (process, started)
            await self._adjust(process)
            self._watch = asyncio.create_task(self._keep_watching(process, started), name=f"services of {process}")

    async def close_all(self) -> None:
        """Close every port, until `follow` names an Instance again."""
        self._machine = None
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])
            self._watch = None
        for endpoint in list(self._open):
            self._open.pop(endpoint).close()
        for connection in self._connections:
            connection.cancel()

    async def _keep_watching(self, process: int, started: int) -> None:
        while started_at(process) == started:
            await asyncio.sleep(POLL_SECONDS)
            await self._adjust(process)

    async def _adjust(self, process: int) -> None:
        wanted = {
            (str(found.address), found.port)
            for found in listening()
            if found.protocol == "TCP" and found.address in self._network
        }
        for gone in set(self._open) - wanted:
            self._open.pop(gone).close()
        for address, port in wanted - set(self._open):
            try:
                listener = _listener(process, address, port)
            except OSError as error:
                # The Instance is ending, or a program of its own has the port and takes precedence.
                if error.errno in {errno.ENOENT, errno.ESRCH, errno.EADDRINUSE}:
                    continue
                raise
            forwarder = TcpForwarder(address, port, lambda _caller: True, self._connections)
            await forwarder.open(listener)
            self._open[address, port] = forwarder


def _listener(process: int, address: str, port: int) -> socket.socket:
    """Socket bound in the network namespace of another process."""
    result: list[socket.socket | OSError] = []

    def work() -> None:
        try:
            result.append(_bound(process, address, port))
        except OSError as error:
            result.append(error)

    # setns(2) changes the namespace of the calling thread alone, and this thread ends here.
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


def _bound(process: int, address: str, port: int) -> socket.socket:
    with Path(f"/proc/{process}/ns/net").open() as namespace:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(namespace.fileno(), _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    return listener

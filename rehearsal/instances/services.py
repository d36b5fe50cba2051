"""The rehearsal's services as a machine finds them: at the same loopback addresses as on the host.

A machine has a loopback of its own, so the host's is out of its reach. For every service of the
rehearsal (Block.SERVICES) a listener is opened in the machine's network namespace, and what comes
in is passed on to the host. So one URL in a rehearsal's settings holds everywhere.
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

from rehearsal.instances.forwarding import TcpDoor
from rehearsal.instances.listening import listening
from rehearsal.processes import started_at
from rehearsal.session import Block, Session

LOOK_AGAIN = 0.5
"""Seconds between two looks at which services run."""
_CLONE_NEWNET = 0x40000000

Endpoint = tuple[str, int]
"""Address and port."""


class Services:
    """Keeps the rehearsal's services reachable from one machine."""

    def __init__(self, session: Session) -> None:
        self._network = IPv4Network((session.address(Block.SERVICES, 1), 24), strict=False)
        self._open: dict[Endpoint, TcpDoor] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._machine: tuple[int, int] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def follow(self, process: int, started: int) -> None:
        """Serve the machine whose init is this process of the host; it has been booted."""
        if self._machine != (process, started):
            await self.shut()
            self._machine = (process, started)
            await self._adjust(process)
            self._watch = asyncio.create_task(self._keep_watching(process, started), name=f"services of {process}")

    async def shut(self) -> None:
        """Close everything, until a machine is followed again."""
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
            await asyncio.sleep(LOOK_AGAIN)
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
                # The machine is ending, or one of its own programs has the port: then that one is meant.
                if error.errno in {errno.ENOENT, errno.ESRCH, errno.EADDRINUSE}:
                    continue
                raise
            door = TcpDoor(address, port, lambda _caller: True, self._connections)
            await door.open(listener)
            self._open[address, port] = door


def _listener(process: int, address: str, port: int) -> socket.socket:
    """A socket that is bound in another process's network namespace."""
    result: list[socket.socket | OSError] = []

    def work() -> None:
        try:
            result.append(_bound(process, address, port))
        except OSError as error:
            result.append(error)

    # A thread changes namespaces for itself alone, and this one ends with it.
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

"""Carries TCP connections and UDP datagrams from a loopback address to a machine.

The machine sees the gateway of its network as the client: addresses of callers are not kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

Admits = Callable[[str], bool]
"""Says whether a caller, known by its IPv4 address, is let in."""

CHUNK = 256 * 1024
"""Bytes read from a TCP connection at once."""
LARGEST_DATAGRAM = 65535
UDP_IDLE = 60.0
"""Seconds after which a UDP caller that neither sends nor receives is forgotten."""
UDP_CALLERS = 512
"""Callers remembered per door; the one silent for longest is forgotten first."""


class TcpDoor:
    """Takes in TCP connections and passes them on to one port of a machine.

    connections: where each connection's task is kept while it stands; cancelling one breaks it.
    """

    def __init__(self, machine: str, port: int, admits: Admits, connections: set[asyncio.Task[None]]) -> None:
        self._machine = machine
        self._port = port
        self._admits = admits
        self._connections = connections
        self._server: asyncio.Server | None = None

    async def open(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_server(self._take, sock=listener, limit=CHUNK, backlog=128)

    def close(self) -> None:
        """Take in no more; connections that stand go on."""
        if self._server:
            self._server.close()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._admits(writer.get_extra_info("peername")[0]):
                await self._join(reader, writer)
        except OSError:
            pass  # Either end has gone away; the other one is told by the reset below.
        finally:
            _reset(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._machine, self._port, limit=CHUNK)
        there, back = (asyncio.ensure_future(way) for way in (_copy(reader, far_writer), _copy(far_reader, writer)))
        try:
            await asyncio.gather(there, back)
            # Both have said all: what is still buffered goes out before the ends are closed.
            for end in (writer, far_writer):
                end.close()
                await end.wait_closed()
        finally:
            there.cancel()
            back.cancel()
            _reset(far_writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection; one that has not been closed is broken, so that its peer sees no orderly end."""
    if not writer.transport.is_closing():
        # Not lingering at all is what makes the kernel send a reset: socket(7).
        no_linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    writer.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what comes until its end, then the end itself: the other direction stays open."""
    while chunk := await source.read(CHUNK):
        sink.write(chunk)
        await sink.drain()
    sink.write_eof()


@dataclass
class _Caller:
    """A UDP caller, and the socket that speaks for it to the machine."""

    address: tuple[str, int]
    socket: socket.socket
    last_seen: float = field(default=0.0)


class UdpDoor:
    """Takes in UDP datagrams and passes them on to one port of a machine, and its answers back.

    A datagram for which a buffer is full is lost, as any may be.
    """

    def __init__(self, machine: str, port: int, admits: Admits) -> None:
        self._machine = machine
        self._port = port
        self._admits = admits
        self._listener: socket.socket | None = None
        self._callers: dict[tuple[str, int], _Caller] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def open(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._take)
        self._forget_idle()

    def close(self) -> None:
        """Take in no more and forget every caller."""
        if self._listener is None:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self._listener = None
        if self._sweep:
            self._sweep.cancel()
        for caller in list(self._callers.values()):
            self._forget(caller)

    def _take(self) -> None:
        while self._listener:
            try:
                datagram, address = self._listener.recvfrom(LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            if self._admits(address[0]):
                caller = self._callers.get(address) or self._meet(address)
                self._seen(caller)
                with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                    caller.socket.send(datagram)

    def _meet(self, address: tuple[str, int]) -> _Caller:
        if len(self._callers) >= UDP_CALLERS:
            self._forget(next(iter(self._callers.values())))
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.setblocking(False)
        out.connect((self._machine, self._port))
        caller = _Caller(address, out)
        asyncio.get_running_loop().add_reader(out, self._answer, caller)
        return caller

    def _answer(self, caller: _Caller) -> None:
        while self._listener:
            try:
                datagram = caller.socket.recv(LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue  # The machine says that nothing listens there; UDP has no way to pass that on.
            self._seen(caller)
            with contextlib.suppress(BlockingIOError):
                self._listener.sendto(datagram, caller.address)

    def _seen(self, caller: _Caller) -> None:
        """Make it the last in the order of callers, which is that of their last signs of life."""
        caller.last_seen = asyncio.get_running_loop().time()
        self._callers.pop(caller.address, None)
        self._callers[caller.address] = caller

    def _forget(self, caller: _Caller) -> None:
        self._callers.pop(caller.address, None)
        asyncio.get_running_loop().remove_reader(caller.socket)
        caller.socket.close()

    def _forget_idle(self) -> None:
        loop = asyncio.get_running_loop()
        for caller in list(self._callers.values()):
            if loop.time() - caller.last_seen > UDP_IDLE:
                self._forget(caller)
        self._sweep = loop.call_later(UDP_IDLE / 4, self._forget_idle)

"""TCP and UDP forwarders from a loopback address to an Instance.

The Instance sees the gateway of its Docker network as the client: source addresses are not preserved.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

Allows = Callable[[str], bool]
"""Whether a caller with this IPv4 address is allowed."""

CHUNK = 256 * 1024
"""Bytes read from a TCP connection at once."""
LARGEST_DATAGRAM = 65535
UDP_IDLE = 60.0
"""Seconds without a datagram in either direction after which a UDP caller is forgotten."""
UDP_CALLERS = 512
"""Most UDP callers of one port; the one silent for longest is forgotten first."""


class TcpForwarder:
    """Forwards TCP connections to one port of an Instance.

    connections: set of the tasks of established connections; cancelling one resets its connection. proxy_protocol: tell
    the caller's own address first, as a load balancer does.
    """

    def __init__(
        self,
        machine: str,
        port: int,
        allows: Allows,
        connections: set[asyncio.Task[None]],
        *,
        proxy_protocol: bool = False,
    ) -> None:
        self._machine = machine
        self._port = port
        self._allows = allows
        self._connections = connections
        self._proxy_protocol = proxy_protocol
        self._server: asyncio.Server | None = None

    async def open(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_server(self._take, sock=listener, limit=CHUNK, backlog=128)

    def close(self) -> None:
        """Accept no new connection; established ones continue."""
        if self._server:
            self._server.close()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._allows(writer.get_extra_info("peername")[0]):
                await self._join(reader, writer)
        except OSError:
            pass  # One end has gone away; the reset below tells the other.
        finally:
            _reset(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._machine, self._port, limit=CHUNK)
        if self._proxy_protocol:
            far_writer.write(_proxy_header(*(writer.get_extra_info(end) for end in ("peername", "sockname"))))
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


def _proxy_header(caller: tuple[str, int], called: tuple[str, int]) -> bytes:
    """Header of the proxy protocol, version 2, for TCP over IPv4.

    Source: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
    """
    ends = b"".join(socket.inet_aton(address) for address, _ in (caller, called))
    ends += struct.pack("!HH", caller[1], called[1])
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(ends)) + ends


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection: a reset unless it was closed before, so that the peer does not take it for an orderly end."""
    if not writer.transport.is_closing():
        # SO_LINGER of zero seconds makes the kernel send a reset: socket(7).
        no_linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    writer.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the end of the stream, then half-close: the other direction stays open."""
    while chunk := await source.read(CHUNK):
        sink.write(chunk)
        await sink.drain()
    sink.write_eof()


@dataclass
class _Caller:
    """UDP caller, and the socket that carries its datagrams to the Instance."""

    address: tuple[str, int]
    socket: socket.socket
    last_seen: float = field(default=0.0)


class UdpForwarder:
    """Forwards UDP datagrams to one port of an Instance, and the answers back to their callers.

    A datagram that finds a full buffer is dropped, as any datagram may be.
    """

    def __init__(self, machine: str, port: int, allows: Allows) -> None:
        self._machine = machine
        self._port = port
        self._allows = allows
        self._listener: socket.socket | None = None
        self._callers: dict[tuple[str, int], _Caller] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def open(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._take)
        self._forget_idle()

    def close(self) -> None:
        """Accept no datagram any more and forget every caller."""
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
            if self._allows(address[0]):
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
        """Move the caller to the end of the order, which is that of the last datagrams."""
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

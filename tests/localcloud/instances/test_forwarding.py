"""The forwarder by itself, between two ends of this test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import pytest

from rehearsal.instances.forwarding import TcpForwarder
from tests.support.waiting import LONGEST_WAIT


async def _answer_last(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read to the end, then say how much it was, with much text around it."""
    with contextlib.suppress(ConnectionResetError):
        received = len(await reader.read())
        writer.write(b"x" * 3_000_000 + str(received).encode())
        await writer.drain()
    writer.close()


@pytest.fixture
async def far_port() -> AsyncGenerator[int]:
    server = await asyncio.start_server(_answer_last, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def _is_reset(forwarder: TcpForwarder) -> None:
    reader, writer = await _open(forwarder)
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(LONGEST_WAIT):
            await reader.read()
    writer.close()
    forwarder.close()


async def _open(forwarder: TcpForwarder) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    address = listener.getsockname()
    await forwarder.open(listener)
    return await asyncio.open_connection(*address)


async def test_a_caller_that_has_said_all_still_gets_the_whole_answer(far_port: int) -> None:
    forwarder = TcpForwarder("127.0.0.1", far_port, lambda _: True, set())
    reader, writer = await _open(forwarder)
    writer.write(b"y" * 5_000_000)
    writer.write_eof()
    async with asyncio.timeout(LONGEST_WAIT):
        assert (await reader.read()).endswith(b"x5000000")
    writer.close()
    forwarder.close()


async def test_a_target_that_speaks_the_proxy_protocol_learns_who_called() -> None:
    told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.set_result(await reader.readexactly(28 + 5))
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    forwarder = TcpForwarder("127.0.0.1", port, lambda _: True, set(), proxy_protocol=True)
    _, writer = await _open(forwarder)
    caller, called = (writer.get_extra_info(end)[1].to_bytes(2, "big") for end in ("sockname", "peername"))
    writer.write(b"hello")
    async with asyncio.timeout(LONGEST_WAIT):
        assert await told == (
            b"\r\n\r\n\x00\r\nQUIT\n" + b"\x21\x11\x00\x0c" + 2 * b"\x7f\0\0\x01" + caller + called + b"hello"
        )
    writer.close()
    forwarder.close()
    server.close()


async def test_a_caller_of_a_port_where_nothing_listens_is_told_by_a_reset(unused_tcp_port: int) -> None:
    forwarder = TcpForwarder("127.0.0.1", unused_tcp_port, lambda _: True, set())
    await _is_reset(forwarder)


async def test_a_caller_that_is_not_let_in_is_reset_and_nothing_reaches_the_machine(far_port: int) -> None:
    forwarder = TcpForwarder("127.0.0.1", far_port, lambda _: False, set())
    await _is_reset(forwarder)


async def test_cancelling_a_connection_breaks_it_at_both_ends(far_port: int) -> None:
    connections: set[asyncio.Task[None]] = set()
    forwarder = TcpForwarder("127.0.0.1", far_port, lambda _: True, connections)
    reader, writer = await _open(forwarder)
    async with asyncio.timeout(LONGEST_WAIT):
        while not connections:
            await asyncio.sleep(0)
        for connection in connections:
            connection.cancel()
        with pytest.raises(ConnectionResetError):
            await reader.read()
    assert not connections
    writer.close()
    forwarder.close()

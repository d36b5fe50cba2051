"""Ways into a board: who is led where, and that a port which is taken does not keep the others shut."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator

import pytest

from rehearsal.nodes.board_network import BoardNetwork, Listener

HERE = "127.0.0.1"


@pytest.fixture
async def network() -> AsyncGenerator[BoardNetwork]:
    built = BoardNetwork("shambhala.rehearsal=nobodys")
    yield built
    await built.close()


async def page(text: str) -> tuple[asyncio.Server, int]:
    """A server that says one text to whoever comes, and its port."""

    async def say(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(say, HERE, 0)
    return server, int(server.sockets[0].getsockname()[1])


async def heard(port: int) -> str:
    reader, writer = await asyncio.open_connection(HERE, port)
    said = (await reader.read()).decode()
    writer.close()
    return said


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


async def test_callers_are_led_to_where_the_node_is_now(network: BoardNetwork) -> None:
    (first, first_port), (second, second_port) = await page("first"), await page("second")
    port = free_port()
    listener: Listener = ("TCP", HERE, port)
    async with first, second:
        await network.lead({listener: (HERE, first_port)})
        assert await heard(port) == "first"
        await network.lead({listener: (HERE, second_port)})
        assert await heard(port) == "second"
        await network.lead({})
        with pytest.raises(ConnectionRefusedError):
            await heard(port)


async def test_datagrams_are_led_and_answered(network: BoardNetwork) -> None:
    port = free_port(socket.SOCK_DGRAM)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HERE, 0))
        server.setblocking(False)
        await network.lead({("UDP", HERE, port): (HERE, int(server.getsockname()[1]))})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.setblocking(False)
            await loop.sock_connect(caller, (HERE, port))
            await loop.sock_sendall(caller, b"question")
            async with asyncio.timeout(5):
                question, sender = await loop.sock_recvfrom(server, 100)
                await loop.sock_sendto(server, question + b" answered", sender)
                assert await loop.sock_recv(caller, 100) == b"question answered"


async def test_a_port_that_is_taken_is_told_once_and_the_others_open(
    network: BoardNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    server, target = await page("hello")
    port = free_port()
    async with server:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken, caplog.at_level(logging.ERROR):
            taken.bind((HERE, 0))
            taken.listen()
            busy = int(taken.getsockname()[1])
            wanted: dict[Listener, tuple[str, int]] = {
                ("TCP", HERE, busy): (HERE, target),
                ("TCP", HERE, port): (HERE, target),
            }
            for _ in range(3):
                await network.lead(wanted)
            assert await heard(port) == "hello"
            assert [record.getMessage() for record in caplog.records if f":{busy} " in record.getMessage()] == [
                f"TCP {HERE}:{busy} of a board cannot be opened: [Errno 98] Address already in use"
            ]
        await network.lead(wanted)
        assert await heard(busy) == "hello"

"""A host that accepts SSH connections and says nothing is told, before a step waits for it without an end."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest

from gamemaster.ssh_banner import SilentHostError, wait_for_banner

HOME = "127.0.0.1"


async def test_a_host_that_accepts_and_says_nothing_is_told_in_time() -> None:
    with socket.socket() as silent:
        silent.bind((HOME, 0))
        silent.listen()
        told = r"The game master, 127\.0\.0\.1, has accepted SSH connections for 1 seconds and sent nothing on them"
        with pytest.raises(SilentHostError, match=told) as failure:
            await asyncio.wait_for(wait_for_banner(HOME, 1, silent.getsockname()[1]), 5)
    assert re.search("reboot it .*, then run 'pulumi up' again", str(failure.value))


async def test_a_host_that_only_takes_its_time_is_waited_for() -> None:
    answers = 0

    async def late(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answers
        answers += 1
        if answers > 1:
            writer.write(b"SSH-2.0-OpenSSH_10.0\r\n")

    async with await asyncio.start_server(late, HOME, 0) as server:
        assert await wait_for_banner(HOME, 1, server.sockets[0].getsockname()[1]) == HOME
    assert answers == 2


async def test_a_host_that_refuses_or_hangs_up_is_left_to_the_plugin_which_tries_again_in_bounds() -> None:
    async def away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(away, HOME, 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await wait_for_banner(HOME, 60, port) == HOME
    assert await wait_for_banner(HOME, 60, port) == HOME

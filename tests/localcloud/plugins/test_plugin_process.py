"""The plugins as programs: how the engine starts them, and that they never outlive it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from signal import Signals

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2

from rehearsal.plugins.install import VERSIONS, install
from rehearsal.processes import started_at
from tests.localcloud.plugins import passing_engine

REQUIREMENTS = Path(__file__).parents[3] / "requirements.txt"


async def reported_version(port: int) -> str:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        info = await channel.unary_unary(
            "/pulumirpc.ResourceProvider/GetPluginInfo",
            request_serializer=Empty.SerializeToString,
            response_deserializer=plugin_pb2.PluginInfo.FromString,
        )(Empty())
    return info.version


@contextlib.asynccontextmanager
async def started(
    *command: str | Path, stdin: int = asyncio.subprocess.DEVNULL
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """A program and what it prints; killed at the end if it is still there."""
    program = await asyncio.create_subprocess_exec(*command, stdin=stdin, stdout=asyncio.subprocess.PIPE)
    assert program.stdout
    try:
        yield program, program.stdout
    finally:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        await program.wait()


@pytest.mark.parametrize("name", list(VERSIONS))
def test_a_stand_in_has_the_version_of_the_package_that_the_program_uses(name: str) -> None:
    pinned = re.search(rf"^pulumi-{name}==(\S+)$", REQUIREMENTS.read_text(), re.MULTILINE)
    assert pinned, f"requirements.txt pins no pulumi-{name}"
    assert VERSIONS[name] == pinned[1], "after a new pin, compare the stand-in with that release, then set VERSIONS"


@pytest.mark.parametrize("name", list(VERSIONS))
async def test_an_installed_plugin_prints_its_port_answers_with_its_version_and_ends_when_told(
    name: str, tmp_path: Path
) -> None:
    executable = install(tmp_path, name)
    assert install(tmp_path, name) == executable
    async with started(executable, "127.0.0.1:9") as (plugin, printed):
        assert await reported_version(int(await printed.readline())) == VERSIONS[name]
        plugin.terminate()
        assert await plugin.wait() == 0


async def test_a_plugin_that_is_interrupted_the_moment_it_is_up_ends_cleanly(tmp_path: Path) -> None:
    async with started(install(tmp_path, "command"), "127.0.0.1:9") as (plugin, printed):
        await printed.readline()
        plugin.send_signal(Signals.SIGINT)
        assert await plugin.wait() == 0


@pytest.mark.parametrize("is_up", [False, True], ids=["while it starts up", "once it is up"])
async def test_a_plugin_ends_when_the_engine_that_started_it_has_been_killed(tmp_path: Path, *, is_up: bool) -> None:
    executable = install(tmp_path, "command")
    async with started(sys.executable, passing_engine.__file__, executable, "127.0.0.1:9") as (engine, printed):
        plugin = int(await printed.readline())
        if is_up:
            await printed.readline()
        engine.kill()
        await engine.wait()
        while started_at(plugin) is not None:
            await asyncio.sleep(0.01)


async def test_all_that_a_plugin_needs_to_know_of_its_engine_is_whether_its_input_is_open(tmp_path: Path) -> None:
    # As when the engine dies right after the plugin has come up: the process that started it tells nothing any more.
    theirs, ours = os.pipe()
    with os.fdopen(theirs), os.fdopen(ours, "w") as held_by_the_engine:
        async with started(install(tmp_path, "command"), "127.0.0.1:9", stdin=theirs) as (plugin, printed):
            assert await reported_version(int(await printed.readline())) == VERSIONS["command"]
            held_by_the_engine.close()
            assert await plugin.wait() == 0

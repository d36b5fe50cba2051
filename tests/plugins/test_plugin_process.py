"""The plugins as programs: how the engine starts them, and that they never outlive it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2

from rehearsal.plugins.install import VERSIONS, install


async def reported_version(port: int) -> str:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        info = await channel.unary_unary(
            "/pulumirpc.ResourceProvider/GetPluginInfo",
            request_serializer=Empty.SerializeToString,
            response_deserializer=plugin_pb2.PluginInfo.FromString,
        )(Empty())
    return info.version


@pytest.mark.parametrize("name", list(VERSIONS))
async def test_an_installed_plugin_prints_its_port_answers_with_its_version_and_ends_when_told(
    name: str, tmp_path: Path
) -> None:
    executable = install(tmp_path, name)
    assert install(tmp_path, name) == executable
    plugin = await asyncio.create_subprocess_exec(executable, "127.0.0.1:9", stdout=asyncio.subprocess.PIPE)
    assert plugin.stdout
    assert await reported_version(int(await plugin.stdout.readline())) == VERSIONS[name]
    plugin.terminate()
    assert await plugin.wait() == 0


async def test_a_plugin_ends_when_the_engine_that_started_it_has_been_killed(tmp_path: Path) -> None:
    executable = install(tmp_path, "command")
    engine = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import subprocess, sys, time\n"
        "plugin = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "plugin.stdout.readline()\n"
        "print(plugin.pid, flush=True)\n"
        "time.sleep(600)\n",
        executable,
        "127.0.0.1:9",
        stdout=asyncio.subprocess.PIPE,
    )
    assert engine.stdout
    pid = int(await engine.stdout.readline())
    engine.kill()
    await engine.wait()
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            await asyncio.sleep(0.05)

"""Serving as the engine expects of every plugin: one line with the port, then until the engine says so or is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
from typing import Protocol

import grpc

from rehearsal.plugins.engine_log import CHANNEL_OPTIONS


class Servable(Protocol):
    """A gRPC service that can be ended."""

    def add_to(self, server: grpc.aio.Server) -> None: ...

    async def stop(self) -> None:
        """End what the service has started."""


async def serve_until_told(service: Servable) -> None:
    """Serve on loopback until the engine ends the plugin, or is gone: nothing that it started outlives the engine."""
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    service.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # Once the port is known, the plugin may be told to end at any moment.
    end = await _end()
    # An engine that is gone by now reads no port; that is what `end` is about.
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), f"{port}\n".encode())
    await end.wait()
    await service.stop()
    await server.stop(None)


async def _end() -> asyncio.Event:
    """Set at SIGINT or SIGTERM, and when the engine is gone, however it went.

    The engine alone holds the other end of the plugin's standard input and writes nothing there
    (pulumi, pkg/resource/plugin/plugin.go, ExecPlugin): the input's end is the engine's, also if
    that came before this was called. A plugin that is started by hand may have no such input.
    """
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        await loop.connect_read_pipe(lambda: _EngineWatch(end), sys.stdin)
    return end


class _EngineWatch(asyncio.Protocol):
    """Sets an event when the other end of a pipe is closed."""

    def __init__(self, gone: asyncio.Event) -> None:
        self._gone = gone

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()

"""Messages from a provider that the engine shows beside the resource that they are about."""

from __future__ import annotations

import contextlib

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2

# The limit is the engine's own, in bytes. A proxy from the environment must not come between local programs.
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", 400 * 1024 * 1024), ("grpc.enable_http_proxy", 0))


class Engine:
    """The engine that started this plugin, as far as a plugin needs it: somebody who takes messages."""

    def __init__(self) -> None:
        self._address = ""
        self._channel: grpc.aio.Channel | None = None

    def attach(self, address: str) -> None:
        """Sets where the engine listens (host:port); an empty address changes nothing."""
        self._address = address or self._address

    async def log(self, severity: engine_pb2.LogSeverity.ValueType, text: str, urn: str, *, status: bool) -> None:
        if not self._address:
            return
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._address, options=CHANNEL_OPTIONS)
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=status)
        # What a command does must not fail because the engine has stopped listening.
        with contextlib.suppress(grpc.aio.AioRpcError):
            await self._channel.unary_unary(
                "/pulumirpc.Engine/Log",
                request_serializer=engine_pb2.LogRequest.SerializeToString,
                response_deserializer=Empty.FromString,
            )(request)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()


class Log:
    """The log of one resource."""

    def __init__(self, engine: Engine, urn: str) -> None:
        self._engine = engine
        self._urn = urn

    async def status(self, text: str) -> None:
        """A line about what is going on now; the engine shows the latest."""
        await self._engine.log(engine_pb2.INFO, text, self._urn, status=True)

    async def warning(self, text: str) -> None:
        """A line that stays."""
        await self._engine.log(engine_pb2.WARNING, text, self._urn, status=False)

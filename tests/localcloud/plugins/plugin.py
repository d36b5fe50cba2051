"""A provider served over gRPC, asked the way the engine asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.engine_pb2 import LogSeverity
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from rehearsal.plugins.engine_log import Engine
from rehearsal.plugins.properties import Properties, Value, decode, encode
from rehearsal.plugins.protocol import Service
from rehearsal.plugins.provider_model import Provider

Answer = TypeVar("Answer", bound=Message)


@dataclass
class Recorder(Engine):
    """An engine that keeps what it is told."""

    lines: list[str] = field(default_factory=list[str])

    async def log(self, severity: LogSeverity.ValueType, text: str, urn: str, *, status: bool) -> None:
        self.lines.append(text)


@dataclass(frozen=True)
class Diff:
    changes: bool
    changed: list[str]
    replaces: list[str]


class Plugin:
    """Every method is one request; failures are the engine's: grpc.aio.AioRpcError with a text."""

    def __init__(self, provider: Provider[Any]) -> None:
        self._provider = provider
        self.engine = Recorder()
        self.log = self.engine.lines

    async def __aenter__(self) -> Plugin:
        self._server = grpc.aio.server()
        add_ResourceProviderServicer_to_server(Service(self._provider, self.engine), self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()
        await self._server.stop(grace=None)
        await self._provider.close()

    async def _ask(self, method: str, request: Message, answer: type[Answer]) -> Answer:
        return await self._channel.unary_unary(
            f"/pulumirpc.ResourceProvider/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )(request)

    async def configure(self, settings: Mapping[str, Value] | None = None) -> None:
        request = pb.ConfigureRequest(args=encode(settings or {}), acceptSecrets=True)
        await self._ask("Configure", request, pb.ConfigureResponse)

    async def check_config(self, settings: Mapping[str, Value]) -> list[str]:
        answer = await self._ask("CheckConfig", pb.CheckRequest(news=encode(settings)), pb.CheckResponse)
        return [failure.reason for failure in answer.failures]

    async def check(self, token: str, news: Mapping[str, Value]) -> tuple[Properties, dict[str, str]]:
        request = pb.CheckRequest(urn=urn(token), news=encode(news), randomSeed=b"seed")
        answer = await self._ask("Check", request, pb.CheckResponse)
        return decode(answer.inputs), {failure.property: failure.reason for failure in answer.failures}

    async def diff(self, token: str, state: Properties, olds: Properties, news: Properties) -> Diff:
        request = pb.DiffRequest(id="x", urn=urn(token), olds=encode(state), old_inputs=encode(olds), news=encode(news))
        answer = await self._ask("Diff", request, pb.DiffResponse)
        return Diff(answer.changes == pb.DiffResponse.DIFF_SOME, list(answer.diffs), list(answer.replaces))

    async def create(self, token: str, inputs: Mapping[str, Value], *, preview: bool = False) -> tuple[str, Properties]:
        """Checks first, as the engine does."""
        complete, failures = await self.check(token, inputs)
        assert not failures
        request = pb.CreateRequest(urn=urn(token), properties=encode(complete), preview=preview)
        answer = await self._ask("Create", request, pb.CreateResponse)
        return answer.id, decode(answer.properties)

    async def read(self, token: str, identity: str, state: Properties, inputs: Properties) -> tuple[str, Properties]:
        request = pb.ReadRequest(id=identity, urn=urn(token), properties=encode(state), inputs=encode(inputs))
        answer = await self._ask("Read", request, pb.ReadResponse)
        return answer.id, decode(answer.properties)

    async def update(
        self, token: str, state: Properties, inputs: Mapping[str, Value], *, identity: str = "x", preview: bool = False
    ) -> Properties:
        complete, failures = await self.check(token, inputs)
        assert not failures
        request = pb.UpdateRequest(
            id=identity, urn=urn(token), olds=encode(state), news=encode(complete), preview=preview
        )
        return decode((await self._ask("Update", request, pb.UpdateResponse)).properties)

    async def delete(self, token: str, state: Properties, *, identity: str = "x") -> None:
        await self._ask("Delete", pb.DeleteRequest(id=identity, urn=urn(token), properties=encode(state)), Empty)

    async def cancel(self) -> None:
        await self._ask("Cancel", Empty(), Empty)


def urn(token: str) -> str:
    return f"urn:pulumi:test::project::{token}::step"

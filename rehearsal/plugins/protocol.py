"""gRPC service of a provider, in the engine's plugin protocol.

`serve` runs a `Provider` as a plugin: prints the port of the service, as the engine expects, and ends when the engine
says so or is gone. Protocol: pulumi/pulumi, proto/pulumi/provider.proto.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator
from typing import Generic, NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

from rehearsal.plugins.engine_log import Engine, Log
from rehearsal.plugins.properties import UNKNOWN, Properties, decode, encode, revealed
from rehearsal.plugins.provider_model import Call, Configuration, Provider, ProviderError, Resource
from rehearsal.plugins.schema import Change, Difference, Failure, checked, differences, dressed
from rehearsal.plugins.serving import serve_until_told

# How long requests that are stopped may take to end what they run, in seconds. The engine kills a plugin
# that is still there 5 seconds after it was told to end (pulumi, sdk/go/common/resource/plugin/plugin.go).
GRACE = 4.0


class Service(ResourceProviderServicer, Generic[Configuration]):
    """The gRPC face of a provider."""

    def __init__(self, provider: Provider[Configuration], engine: Engine) -> None:
        self._provider = provider
        self._engine = engine
        self._configuration: Configuration | None = None
        self._running: set[asyncio.Task[object]] = set()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve this on a server."""
        add_ResourceProviderServicer_to_server(self, server)

    async def Handshake(  # noqa: N802 - this and the names below are the protocol's
        self, request: pb.ProviderHandshakeRequest, context: Context
    ) -> pb.ProviderHandshakeResponse:
        self._engine.attach(request.engine_address)
        return pb.ProviderHandshakeResponse(accept_secrets=True)

    async def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> Empty:  # noqa: N802
        self._engine.attach(request.address)
        return Empty()

    async def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._provider.version)

    async def GetSchema(self, request: pb.GetSchemaRequest, context: Context) -> pb.GetSchemaResponse:  # noqa: N802
        schema: dict[str, object] = {"name": self._provider.name, "version": self._provider.version}
        schema["resources"] = {token: {} for token in self._provider.resources}
        return pb.GetSchemaResponse(schema=json.dumps(schema))

    async def Cancel(self, request: Empty, context: Context) -> Empty:  # noqa: N802
        self.cancel()
        return Empty()

    def cancel(self) -> None:
        """Stops every request that is being worked on; one that is being stopped already is left to it."""
        for task in self._running:
            if not task.cancelling():
                task.cancel()

    async def stop(self) -> None:
        """Stops every request and waits until each has ended what it runs, but no longer than GRACE."""
        self.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)

    async def CheckConfig(self, request: pb.CheckRequest, context: Context) -> pb.CheckResponse:  # noqa: N802
        complete, failures = checked(self._typed(decode(request.news)), self._provider.fields)
        # The engine keeps a provider's settings as strings, so those that came in go back as they came.
        return pb.CheckResponse(inputs=encode({**complete, **decode(request.news)}), failures=_failures(failures))

    async def DiffConfig(self, request: pb.DiffRequest, context: Context) -> pb.DiffResponse:  # noqa: N802
        return _diff(differences(decode(request.old_inputs), decode(request.news), self._provider.fields))

    async def Configure(self, request: pb.ConfigureRequest, context: Context) -> pb.ConfigureResponse:  # noqa: N802
        async with self._work(context):
            settings = revealed(self._typed(decode(request.args)))
            self._configuration = self._provider.configure(settings)
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def _typed(self, settings: Properties) -> Properties:
        """Settings of a provider that are no strings arrive as JSON in a string."""
        typed: Properties = {}
        for name, value in settings.items():
            known = self._provider.fields.get(name)
            if known and isinstance(value, str) and not known.kind.accepts(value):
                with contextlib.suppress(json.JSONDecodeError):
                    value = json.loads(value)  # noqa: PLW2901
            typed[name] = value
        return typed

    async def Check(self, request: pb.CheckRequest, context: Context) -> pb.CheckResponse:  # noqa: N802
        async with self._work(context):
            resource = self._resource(request.urn)
            olds, news = decode(request.olds), decode(request.news)
            complete, failures = resource.check(_name(request.urn), olds, news, request.randomSeed)
            return pb.CheckResponse(inputs=encode(complete), failures=_failures(failures))

    async def Diff(self, request: pb.DiffRequest, context: Context) -> pb.DiffResponse:  # noqa: N802
        async with self._work(context):
            resource = self._resource(request.urn)
            return _diff(resource.diff(decode(request.olds), decode(request.old_inputs), decode(request.news)))

    async def Create(self, request: pb.CreateRequest, context: Context) -> pb.CreateResponse:  # noqa: N802
        async with self._work(context):
            resource = self._resource(request.urn)
            inputs = decode(request.properties)
            if request.preview:
                computed = [name for name, known in resource.fields.items() if known.computed]
                expected = {**dict.fromkeys([*resource.outputs, *computed], UNKNOWN), **inputs}
                return pb.CreateResponse(properties=encode(expected))
            made = await resource.create(self._call(request.urn, request.timeout), revealed(inputs))
            return pb.CreateResponse(id=made.id, properties=self._outputs(resource, made.outputs, inputs))

    async def Read(self, request: pb.ReadRequest, context: Context) -> pb.ReadResponse:  # noqa: N802
        async with self._work(context):
            resource = self._resource(request.urn)
            state, inputs = decode(request.properties), decode(request.inputs)
            call = self._call(request.urn, request.timeout)
            found = await resource.read(call, request.id, revealed(state), revealed(inputs))
            if found is None:
                return pb.ReadResponse()
            again = dressed(found.inputs, inputs, resource.fields, frozenset())
            return pb.ReadResponse(
                id=found.id,
                properties=self._outputs(resource, found.outputs, {**state, **inputs}),
                inputs=encode(again),
            )

    async def Update(self, request: pb.UpdateRequest, context: Context) -> pb.UpdateResponse:  # noqa: N802
        async with self._work(context):
            resource = self._resource(request.urn)
            state, inputs = decode(request.olds), decode(request.news)
            if request.preview:
                return pb.UpdateResponse(properties=encode(resource.preview_update(state, inputs)))
            call = self._call(request.urn, request.timeout)
            outputs = await resource.update(call, request.id, revealed(state), revealed(inputs))
            return pb.UpdateResponse(properties=self._outputs(resource, outputs, inputs))

    async def Delete(self, request: pb.DeleteRequest, context: Context) -> Empty:  # noqa: N802
        async with self._work(context):
            resource = self._resource(request.urn)
            call = self._call(request.urn, request.timeout)
            await resource.delete(call, request.id, revealed(decode(request.properties)))
            return Empty()

    def _outputs(self, resource: Resource[Configuration], plain: Properties, inputs: Properties) -> Struct:
        return encode(dressed(plain, inputs, resource.fields, resource.secret_outputs))

    def _resource(self, urn: str) -> Resource[Configuration]:
        token = urn.split("::")[2].rpartition("$")[2]
        resource = self._provider.resources.get(token)
        if resource is None:
            known = ", ".join(sorted(self._provider.resources))
            raise ProviderError(
                f"The stand-in for {self._provider.name} has no {token}, only {known}: install the official plugin."
            )
        return resource

    def _call(self, urn: str, timeout: float) -> Call[Configuration]:
        if self._configuration is None:
            raise ProviderError(f"The provider {self._provider.name} was used before it was configured.")
        return Call(_name(urn), self._configuration, Log(self._engine, urn), timeout or None)

    @contextlib.asynccontextmanager
    async def _work(self, context: Context) -> AsyncGenerator[None]:
        """A request that `Cancel` can stop, and whose errors the engine gets as one text."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a request is always handled in a task
        self._running.add(task)
        try:
            yield
        except ProviderError as error:
            await _abort(context, grpc.StatusCode.UNKNOWN, str(error))
        except asyncio.CancelledError:
            if task.uncancel():
                raise
            await _abort(context, grpc.StatusCode.CANCELLED, "The update was cancelled while this was running.")
        finally:
            self._running.discard(task)


Context = grpc.aio.ServicerContext[object, object]


async def _abort(context: Context, code: grpc.StatusCode, text: str) -> NoReturn:
    await context.abort(code, text)
    raise AssertionError("abort() returned")


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _failures(failures: list[Failure]) -> list[pb.CheckFailure]:
    return [pb.CheckFailure(property=failure.path, reason=failure.reason) for failure in failures]


def _diff(found: list[Difference]) -> pb.DiffResponse:
    response = pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if found else pb.DiffResponse.DIFF_NONE,
        diffs=[difference.name for difference in found],
        replaces=[difference.name for difference in found if difference.replaces],
        hasDetailedDiff=True,
    )
    for difference in found:
        response.detailedDiff[difference.name].kind = _KINDS[difference.change, difference.replaces]
    return response


_KINDS = {
    (Change.ADDED, False): pb.PropertyDiff.ADD,
    (Change.ADDED, True): pb.PropertyDiff.ADD_REPLACE,
    (Change.DELETED, False): pb.PropertyDiff.DELETE,
    (Change.DELETED, True): pb.PropertyDiff.DELETE_REPLACE,
    (Change.UPDATED, False): pb.PropertyDiff.UPDATE,
    (Change.UPDATED, True): pb.PropertyDiff.UPDATE_REPLACE,
}


def main(provider: Provider[Configuration]) -> None:
    """Run a provider as a plugin. The engine gives its own address (host:port) as the last argument."""
    address = sys.argv[-1] if len(sys.argv) > 1 and ":" in sys.argv[-1] else ""
    asyncio.run(serve(provider, address))


async def serve(provider: Provider[Configuration], engine_address: str) -> None:
    """Serve until the engine ends the plugin, or is gone: nothing that a provider runs outlives the engine."""
    engine = Engine()
    engine.attach(engine_address)
    await serve_until_told(Service(provider, engine))
    await provider.close()
    await engine.close()

"""A mock engine that writes down every registration with the options that Pulumi's own mocks drop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast
from unittest.mock import patch

import pulumi
from pulumi.runtime import mocks, resource, rpc
from pulumi.runtime.proto import resource_pb2, source_pb2

from common.evaluation import wait_for_requests_and_outputs
from gamemaster import ssh_banner

COMPUTED: dict[str, Mapping[str, Any]] = {
    "scaleway:instance/ip:Ip": {"address": "192.0.2.10"},
    "scaleway:instance/server:Server": {"privateIps": [{"id": "1", "address": "fd00::2"}, {"address": "10.20.0.2"}]},
    "rancher2:index/bootstrap:Bootstrap": {"token": "token-abcde:not-for-anybody's-eyes"},
    "rancher2:index/cluster:Cluster": {
        "clusterRegistrationToken": {"manifestUrl": "https://rancher.hunt.example.org/v3/import/a-token_c-blue.yaml"}
    },
    "command:local:Command": {"stdout": "{apiVersion: v1, kind: Namespace, metadata: {name: cattle-system}}"},
    "scaleway:loadbalancers/ip:Ip": {"ipAddress": "192.0.2.20", "zone": "fr-par-2"},
    "scaleway:kubernetes/cluster:Cluster": {
        "kubeconfigs": [{"configFile": "a kubeconfig"}],
        "serviceDnsIp": "10.32.0.10",
    },
    "kubernetes:core/v1:Endpoints": {
        "subsets": [{"addresses": [{"ip": "198.51.100.20"}], "ports": [{"name": "https", "port": 6443}]}]
    },
    "scaleway:registry/namespace:Namespace": {
        "endpoint": "rg.fr-par.scw.cloud/shambhala-dev-6f1c3d2e",
        "organizationId": "6f1c3d2e-6d0a-4b62-9a50-3a1f0c3f0a12",
    },
    "scaleway:iam/apiKey:ApiKey": {"accessKey": "SCWABCDEFGHJKLMNPQRT", "secretKey": "not-for-anybody's-eyes"},
}
"""What the cloud would add to the inputs; absent in a preview, as in a real one."""

_OUTPUT_OF_SCRIPT = {
    "gamemaster-first-boot": "booted",
    "gamemaster-bind9-setup": "hunt.example.org",
    "gamemaster-k3s-datastore": "its data",
}


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    """Plain values; `secrets` says which of them were secret."""
    secrets: frozenset[str]
    parent: str
    """Name of the parent, empty for the stack's own children."""
    provider: str
    """Name of the provider, empty for a default provider or a component."""
    custom: bool
    protect: bool
    depends_on: frozenset[str]
    deleted_with: str
    options: resource_pb2.RegisterResourceRequest = field(repr=False)

    @property
    def package(self) -> str:
        return self.type.partition(":")[0]

    @property
    def given(self) -> Mapping[str, str]:
        """What a step on the game master works on: the last line of its standard input."""
        return json.loads(self.inputs["stdin"].rpartition("\n")[2])


@dataclass
class Graph:
    """Everything one run of a program registered, by name."""

    resources: dict[str, Registered] = field(default_factory=dict[str, Registered])
    outputs: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Name of a component to the keys it handed to register_outputs."""
    values: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """The same with the values as they are sent, secrets still marked."""
    reads: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Type and id of what the program reads and does not make, to the names of its parent and provider."""

    def __getitem__(self, name: str) -> Registered:
        if name not in self.resources:
            raise AssertionError(f"no resource {name!r}; there are: {', '.join(sorted(self.resources))}")
        return self.resources[name]

    def of_type(self, type_: str) -> list[Registered]:
        return [resource for resource in self.resources.values() if resource.type == type_]

    @property
    def components(self) -> list[Registered]:
        """The project's own: neither a provider's nor the stack, which only the first run of a process registers."""
        return [
            resource
            for resource in self.resources.values()
            if not resource.custom and resource.type != "pulumi:pulumi:Stack" and not resource.options.remote
        ]


class _Cloud(mocks.Mocks):
    def __init__(self, preview: bool) -> None:
        self._preview = preview

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        state: dict[str, Any] = dict(cast("Any", args).inputs)
        if self._preview:
            return None, state
        state.update(COMPUTED.get(args.typ, {}))
        if args.resource_id:
            return args.resource_id, state
        if args.typ.startswith("kubernetes:core/") and "name" not in state["metadata"]:
            state["metadata"] = {**state["metadata"], "name": f"{args.name}-1a2b3c4d"}
        if args.typ == "command:remote:Command":
            state["stdout"] = _OUTPUT_OF_SCRIPT.get(args.name, "")
        return f"fr-par-1/{args.name}", state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        raise AssertionError(f"the program may not call {args.token}")


class _Recorder(mocks.MockMonitor):
    def __init__(self, cloud: mocks.Mocks, graph: Graph) -> None:
        super().__init__(cloud)
        self._graph = graph

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:  # noqa: N802 - the protocol's name
        secrets: set[str] = set()
        values = {
            key: _plain(value, key, secrets) for key, value in rpc.deserialize_properties(request.object, True).items()
        }
        if request.name in self._graph.resources:
            raise AssertionError(f"two resources are called {request.name}")
        self._graph.resources[request.name] = Registered(
            type=request.type,
            name=request.name,
            inputs=values,
            secrets=frozenset(secrets),
            parent=_name(request.parent),
            provider=_name(request.provider.rpartition("::")[0]),
            custom=request.custom,
            protect=request.protect,
            depends_on=frozenset(map(_name, request.dependencies)),
            deleted_with=_name(request.deletedWith),
            options=request,
        )
        return cast("Any", super()).RegisterResource(request)

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> Any:  # noqa: N802 - the protocol's name
        places = (_name(request.parent), _name(request.provider.rpartition("::")[0]))
        self._graph.reads[f"{request.type} {request.id}"] = places
        return cast("Any", super()).ReadResource(request)

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Any:  # noqa: N802
        self._graph.outputs[_name(request.urn)] = set(request.outputs.keys())
        self._graph.values[_name(request.urn)] = rpc.deserialize_properties(request.outputs, True)
        return cast("Any", super()).RegisterResourceOutputs(request)


def run(program: Callable[[], object], *, preview: bool) -> Graph:
    """Run a program against the mock engine until everything it started has ended."""
    graph = Graph()
    # The mocks want a loop on every thread that calls them; a loop left open complains when Python ends.
    loops = [asyncio.new_event_loop()]

    def begin_thread() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    loop = loops[0]
    asyncio.set_event_loop(loop)
    callers = ThreadPoolExecutor(initializer=begin_thread)
    loop.set_default_executor(callers)
    cloud = _Cloud(preview)
    mocks.set_mocks(cloud, project="shambhala", stack="dev", preview=preview, monitor=_Recorder(cloud, graph))

    async def main() -> None:
        program()
        await wait_for_requests_and_outputs()

    try:
        with (
            # Pulumi reads the source of the whole stack for each resource, a fifth of a run; nothing here shows it.
            patch.object(resource, "_get_stack_trace", source_pb2.StackTrace),
            # No host has the addresses of this cloud.
            patch.object(ssh_banner, "wait_for_banner", _banner),
        ):
            loop.run_until_complete(main())
    finally:
        callers.shutdown()
        for each in loops:
            each.close()
    return graph


@cache
def graph_of(program: Callable[[], object], preview: bool) -> Graph:
    """What `run` gives for a program without arguments, run once however many tests look at it."""
    return run(program, preview=preview)


async def _banner(ip: str, _seconds: float) -> str:
    return ip


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _plain(value: Any, key: str, secrets: set[str]) -> Any:
    if rpc.is_rpc_secret(value):
        secrets.add(key)
        return _plain(rpc.unwrap_rpc_secret(value), key, secrets)
    if isinstance(value, dict):
        return {inner: _plain(item, f"{key}.{inner}", secrets) for inner, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(item, f"{key}[{place}]", secrets) for place, item in enumerate(cast("list[Any]", value))]
    if isinstance(value, pulumi.Output) or value is rpc.UNKNOWN:
        return None
    return value

"""Resources that a component registers, by a mock engine: nothing is raised anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

from pulumi import Output
from pulumi.runtime import mocks, rpc

from common.evaluation import wait_for_requests_and_outputs
from common.kubernetes_api import ApiServer
from game_app.delivery.image_registry import ImageRegistry

API = ApiServer(cidrs=["198.51.100.20/32"], ports=[6443])
"""API server of a board, at an address of a documentation range."""
_OF_A_BOARD: Mapping[str, Mapping[str, Any]] = {
    "kubernetes:core/v1:Endpoints": {
        "subsets": [{"addresses": [{"ip": "198.51.100.20"}], "ports": [{"name": "https", "port": 6443}]}]
    },
}
"""Type to what a program reads of such an object on a board."""


@dataclass(frozen=True)
class Rendered:
    """One registered resource."""

    type: str
    inputs: Mapping[str, Any]
    """Plain values, the secret ones too."""


class _Recorder(mocks.Mocks):
    def __init__(self) -> None:
        self.resources: dict[str, Rendered] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs: dict[str, Any] = dict(cast("Any", args).inputs)
        self.resources[args.name] = Rendered(args.typ, {key: _plain(value) for key, value in inputs.items()})
        outputs = {**inputs, **_OF_A_BOARD.get(args.typ, {})}
        if args.typ.startswith("kubernetes:") and "name" not in outputs.get("metadata", {"name": ""}):
            # The engine names an object whose name the program leaves open.
            outputs["metadata"] = {**outputs["metadata"], "name": f"{args.name}-1a2b3c4d"}
        return args.resource_id or f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        raise RuntimeError(f"a component that is rendered may not call {args.token}")


def rendered(program: Callable[[], object]) -> Mapping[str, Rendered]:
    """Resources of a program by name, as in an update, not a preview."""
    recorder = _Recorder()
    # The mocks want an event loop on every thread that calls them.
    loops = [asyncio.new_event_loop()]

    def begin_thread() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    asyncio.set_event_loop(loops[0])
    threads = ThreadPoolExecutor(initializer=begin_thread)
    loops[0].set_default_executor(threads)
    mocks.set_mocks(recorder, project="shambhala", stack="dev", preview=False)

    async def main() -> None:
        program()
        await wait_for_requests_and_outputs()

    try:
        loops[0].run_until_complete(main())
    finally:
        threads.shutdown()
        for loop in loops:
            loop.close()
    return recorder.resources


def image_registry(config: str) -> ImageRegistry:
    """Registry that nothing is pushed to. config: Docker's configuration with the login."""
    return ImageRegistry(folder="registry.example/game", config=Output.secret(config))


def _plain(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value

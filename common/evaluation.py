"""Evaluation of the program, without three slow places of Pulumi's SDK."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Any, Final

from pulumi import log
from pulumi.runtime import settings, stack

ROUND_SECONDS: Final = 0.05
"""Time between two looks at the outputs that are still unknown."""

DEBUG: Final = "SHAMBHALA_SDK_DEBUG"
"""Environment variable that keeps the SDK's own debugging lines for `pulumi up --debug`."""

_wait_for_requests: Final = stack.wait_for_rpcs


def speed_up() -> None:
    """Make the rest of the program's evaluation faster, after its imports. Done again, it changes nothing.

    Modules stay to the end: without `gc.freeze`, the garbage collector walks them for almost a second. And the SDK
    waits for all outputs anew each time that one of them becomes known, which grows with the square of the resources
    (pulumi 3.272.0, `wait_for_rpcs` in pulumi/runtime/stack.py).
    And the SDK sends its own debugging lines, several for each resource, to the engine and waits for each to arrive;
    the engine drops them, unless asked for. They go nowhere here, unless DEBUG is set.
    """
    gc.freeze()
    if not os.environ.get(DEBUG):
        log.debug = _drop
    stack.wait_for_rpcs = wait_for_requests_and_outputs


def _drop(*line: object, **about: object) -> None:
    del line, about


async def wait_for_requests_and_outputs(await_all_outstanding_tasks: bool = True) -> None:
    """`pulumi.runtime.stack.wait_for_rpcs`, in linear time. Raises what a request or an output raised."""
    state: Any = settings.SETTINGS
    while True:
        await _wait_for_requests(await_all_outstanding_tasks=False)
        if not await_all_outstanding_tasks:
            return
        with state.lock:
            outputs: list[asyncio.Task[object]] = list(state.outputs)
            state.outputs.clear()
        if not outputs:
            return
        known, unknown = await asyncio.wait(outputs, timeout=ROUND_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
        for output in known:
            await output
        with state.lock:
            state.outputs.update(unknown)

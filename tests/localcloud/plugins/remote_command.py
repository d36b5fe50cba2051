"""Inputs of `command:remote:Command`, and the text of an error."""

from __future__ import annotations

from collections.abc import Awaitable

import grpc
import pytest

from rehearsal.plugins.properties import Value
from tests.localcloud.plugins.ssh_host import SshHost

COMMAND = "command:remote:Command"


def step(host: SshHost, **inputs: Value) -> dict[str, Value]:
    return {"connection": host.connection(), **inputs}


async def refusal(work: Awaitable[object]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await work
    return failure.value.details() or ""

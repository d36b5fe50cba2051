from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import pytest_asyncio

from rehearsal.session import claim, release
from tests.api_server.delivery.raised import TEAMS, program
from tests.api_server.releases.site import Site


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def site() -> AsyncGenerator[Site]:
    """A cluster with the game and two teams, raised by the real engine."""
    run = claim(f"delivery-{os.getpid()}")
    try:
        built = Site(run)
        try:
            await built.start()
            stack = built.stack("delivery", lambda: program(built, TEAMS))
            await asyncio.to_thread(stack.up, color="never")
            yield built
        finally:
            await built.stop()
    finally:
        release(run)

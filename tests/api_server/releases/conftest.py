from __future__ import annotations

import os
from collections.abc import AsyncGenerator

import pytest_asyncio

from rehearsal.session import claim, release
from tests.api_server.releases.site import Site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncGenerator[Site]:
    # Claimed where every rehearsal of this user is, so that one that stands keeps its addresses to itself.
    run = claim(f"charts-{os.getpid()}")
    try:
        built = Site(run)
        try:
            await built.start()
            yield built
        finally:
            await built.stop()
    finally:
        release(run)

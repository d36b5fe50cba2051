"""Waiting for what will come, however much else a machine has to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

Found = TypeVar("Found")

LONGEST_WAIT: Final = 300.0
"""Seconds in which anything comes that comes at all: an end for what hangs, never a measure."""
_PAUSE: Final = 0.05


def until(find: Callable[[], Found], why: Callable[[], object] = lambda: "") -> Found:
    """Wait until a function gives something true, and give that. `why` is asked for the error of what never comes."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not (found := find()):
        assert time.monotonic() < deadline, f"it did not come in {LONGEST_WAIT:.0f} s: {why()}"
        time.sleep(_PAUSE)
    return found


async def until_it_holds(look: Callable[[], Awaitable[Found]]) -> Found:
    """Wait until a look raises no AssertionError, and give what the look gave."""
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            return await look()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(_PAUSE)

"""How long something took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def timed(what: Callable[[], _T]) -> tuple[float, _T]:
    """The seconds that something took, and what it gave."""
    began = time.monotonic()
    result = what()
    return time.monotonic() - began, result

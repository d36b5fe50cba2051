"""The tool chain, once for a whole run of the tests."""

from __future__ import annotations

from functools import cache

from rich.console import Console

from rehearsal.toolchain import Tools, provide


@cache
def tools() -> Tools:
    """The engine, its plugins and the control plane; what is missing is downloaded or built first."""
    return provide(Console(stderr=True))

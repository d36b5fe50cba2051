"""The tool chain, once for a whole run of the tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rich.console import Console

from rehearsal.toolchain.catalogue import Source
from rehearsal.toolchain.providing import provide, provide_built
from rehearsal.toolchain.tools import Tools


@cache
def tools() -> Tools:
    """The engine, its plugins and the control plane; what is missing is downloaded or built first."""
    return provide(Console(stderr=True))


@cache
def built(source: Source) -> Path:
    """A program that the whole tool chain does not hold."""
    return provide_built(source, Console(stderr=True)).path

"""The tool chain, once for a whole run of the tests."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from rich.console import Console

from rehearsal.toolchain.catalogue import ENGINE, Source
from rehearsal.toolchain.providing import provide, provide_built
from rehearsal.toolchain.tools import Tools


@cache
def tools() -> Tools:
    """The engine, its plugins and the control plane; what is missing is downloaded or built first."""
    return provide(Console(stderr=True))


@cache
def engine() -> Path:
    """The engine alone: the one on PATH, else built."""
    found = shutil.which("pulumi")
    return Path(found) if found else built(ENGINE)


@cache
def built(source: Source) -> Path:
    """A program that the whole tool chain does not hold."""
    return provide_built(source, Console(stderr=True)).path

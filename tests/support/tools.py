"""The tool chain, once for a whole run of the tests."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from rich.console import Console

from local_game.programs import built
from rehearsal.toolchain.catalogue import ENGINE
from rehearsal.toolchain.providing import provide
from rehearsal.toolchain.tools import Tools

__all__ = ["built", "engine", "tools"]


@cache
def tools() -> Tools:
    """The engine, its plugins and the control plane; what is missing is downloaded or built first."""
    return provide(Console(stderr=True))


@cache
def engine() -> Path:
    """The engine alone: the one on PATH, else built."""
    found = shutil.which("pulumi")
    return Path(found) if found else built(ENGINE)

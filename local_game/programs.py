"""Go programs that are built for the site, such as Gitea."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rich.console import Console

from rehearsal.toolchain.catalogue import Source
from rehearsal.toolchain.providing import provide_built


@cache
def built(source: Source) -> Path:
    """Path of a program, which is built first where it is missing."""
    return provide_built(source, Console(stderr=True)).path

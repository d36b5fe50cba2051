"""Pebble's binary, built once per machine."""

from __future__ import annotations

from pathlib import Path

from rehearsal.toolchain.building import build
from rehearsal.toolchain.catalogue import Program, Source
from rehearsal.toolchain.tools import Progress

PEBBLE = Source(
    module="pebble",
    version="2.10.1",
    programs=(Program("pebble", package="github.com/letsencrypt/pebble/v2/cmd/pebble"),),
)


def provide(progress: Progress) -> Path:
    """The program, built unless the cache has it. Raises ToolchainError."""
    return build(PEBBLE, progress) / "pebble"

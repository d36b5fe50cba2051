"""Reads a Dockerfile as far as the checks need it.

Source: docs.docker.com, reference/dockerfile: comments, parser directives, line continuation, JSON form, flags.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, cast

_ESCAPE: Final = re.compile(r"^#\s*escape\s*=\s*(.)\s*$", re.IGNORECASE)


def instructions(text: str) -> Sequence[tuple[str, Sequence[str]]]:
    """Each instruction, in capitals, with its words. Flags such as `--chown=…` are left out."""
    lines = text.splitlines()
    directive = _ESCAPE.match(lines[0]) if lines else None
    escape = directive[1] if directive else "\\"
    found: list[tuple[str, Sequence[str]]] = []
    pending = ""
    for line in lines:
        stripped = line.strip()
        if stripped.startswith("#") or not stripped:
            # Comments and empty lines do not even end a continued one.
            continue
        if stripped.endswith(escape):
            pending += stripped[:-1] + " "
            continue
        name, _, rest = (pending + stripped).partition(" ")
        found.append((name.upper(), _words(rest.strip())))
        pending = ""
    return found


def _words(rest: str) -> Sequence[str]:
    flagless = rest
    while flagless.startswith("--"):
        flagless = flagless.partition(" ")[2].strip()
    if flagless.startswith("["):
        try:
            given: Any = json.loads(flagless)
        except ValueError:
            given = None
        if isinstance(given, list):
            return [str(word) for word in cast("list[object]", given)]
    return flagless.split()

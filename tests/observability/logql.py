"""Queries in LogQL, read by Grafana's own grammar (@grafana/lezer-logql, Apache-2.0)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.observability import viewing
from tests.observability.servers import RefusedError


@dataclass(frozen=True)
class LogQuery:
    """What a query asks for."""

    metric: bool
    """Whether it counts lines, or else shows them."""
    matchers: Sequence[tuple[str, str, str]]
    """Label, operator (=, !=, =~, !~) and value of each condition of its streams."""
    filters: Sequence[tuple[str, str, str]]
    """The same for the fields of its lines."""
    names: frozenset[str]
    """All labels and fields that it speaks of."""
    groups: Sequence[str]
    """Labels and fields that its numbers are grouped by."""


@cache
def parsed(query: str) -> LogQuery:
    """A query's parts. Raises RefusedError where the grammar does not take it."""
    program = ["node", viewing.page() / "logql.js"]
    done = subprocess.run(program, input=query, capture_output=True, text=True, check=True, timeout=30)
    found: Mapping[str, Any] = json.loads(done.stdout)
    if found["error"]:
        raise RefusedError(str(found["error"]))
    return LogQuery(
        metric=bool(found["metric"]),
        matchers=[(name, operator, _value(text)) for name, operator, text in found["matchers"]],
        filters=[(name, operator, _value(text)) for name, operator, text in found["filters"]],
        names=frozenset(found["names"]),
        groups=found["groups"],
    )


def _value(text: str) -> str:
    return text[1:-1] if text.startswith("`") else str(json.loads(text))

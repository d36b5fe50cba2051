"""Queries as the real servers read them: with values in the place of Grafana's variables, and what they ask for."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from observability.dashboards import Query
from tests.observability.servers import Server

_INTERVALS: Final = {
    "$__rate_interval": "5m",
    "$__interval": "1m",
    "$__auto": "1m",
    "$__range": "3h",
}
CHOSEN: Final = {
    "game/component.json": {"$namespace": "game", "$component": "portal"},
    "teams/logs.json": {"$team": ".+", "$search": ""},
    "teams/team.json": {"$team": "red"},
}
"""What a reader of a dashboard has chosen."""
_LABEL_VALUES = re.compile(r"^label_values\((?:(?P<of>.+), *)?(?P<label>\w+)\)$")


@dataclass(frozen=True)
class Asked:
    """One metric that a query asks for, and the labels that it speaks of there."""

    metric: str
    labels: frozenset[str]


def filled(query: Query) -> str:
    """A query as Grafana sends it."""
    text = query.text
    for name, value in {**_INTERVALS, **CHOSEN.get(query.dashboard, {})}.items():
        text = text.replace(name, value)
    return text


def values_of(query: Query) -> tuple[str, str] | None:
    """Of a variable: what it chooses from and the label whose values it offers; None for any other query."""
    found = _LABEL_VALUES.match(filled(query))
    return (found["of"] or "", found["label"]) if found else None


def metrics_of(prometheus: Server, query: str) -> list[Asked]:
    """What a query in PromQL asks for, by Prometheus' own parser. Raises RefusedError where that does not take it."""
    return list(_asked(prometheus.ask("/api/v1/parse_query", query=query)["data"], frozenset()))


def _asked(node: Mapping[str, Any], above: frozenset[str]) -> Generator[Asked]:
    """The metrics below a node; `above`: labels that their results are grouped or joined by."""
    matching = cast("Mapping[str, Any]", node.get("matching") or {})
    named = cast("Sequence[str]", [*(node.get("grouping") or ()), *(matching.get("labels") or ())])
    if node.get("without"):
        named = ()
    labels = above | set(named)
    if node.get("type") in ("vectorSelector", "matrixSelector"):
        own = {matcher["name"] for matcher in node["matchers"]} - {"__name__"}
        yield Asked(node["name"], above | own)
        return
    if node.get("type") == "aggregation":
        # What is counted by its value gets a label of its own.
        labels = frozenset(named)
    for part in ("expr", "lhs", "rhs"):
        if node.get(part):
            yield from _asked(node[part], labels)
    for part in node.get("args") or ():
        yield from _asked(part, labels)


def answer(query: Query, prometheus: Server, now: float) -> Sequence[Any]:
    """What Prometheus gives a panel for three hours until now: nothing, or some series."""
    times = {"start": str(now - 3 * 3600), "end": str(now)}
    found = prometheus.ask("/api/v1/query_range", query=filled(query), step="60", **times)
    return cast("Sequence[Any]", found["data"]["result"])

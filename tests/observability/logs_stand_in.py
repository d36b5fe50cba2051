"""A stand-in for Loki: it answers with made lines, in Loki's own shapes.

It chooses streams by their labels and lines by their fields, as Loki does. Filters by text and rates are
left out: its numbers are made. It shows that a panel can draw what Loki would answer, not that Loki
would answer so.
"""

from __future__ import annotations

import json
import math
import re
import urllib.parse
from collections.abc import Generator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from tests.observability import made
from tests.observability.logql import LogQuery, parsed

STEP: Final = 60
"""Seconds between two numbers of a series."""
POINTS: Final = 30


class LogsStandIn:
    """Answers the requests that Grafana sends to Loki."""

    def __init__(self, now: float) -> None:
        self._now = now
        tenants = made.streams(now).values()
        self._streams: Sequence[Mapping[str, Any]] = list(chain.from_iterable(each["streams"] for each in tenants))

    def ask(self, path: str, **parameters: str) -> Any:
        """What it answers to a GET. Raises RefusedError for a query that is none."""
        if found := re.fullmatch(r"/loki/api/v1/label/(\w+)/values", path):
            values = {each["stream"].get(found[1]) for each in self._streams} - {None}
            return {"status": "success", "data": sorted(values)}
        assert path in ("/loki/api/v1/query", "/loki/api/v1/query_range"), path
        query = parsed(parameters["query"])
        chosen = [each for each in self._streams if _fits(each["stream"], query.matchers)]
        if not query.metric:
            return _data("streams", chosen)
        series = list(self._series(query, chosen))
        if path.endswith("range"):
            return _data("matrix", [{"metric": each["metric"], "values": each["values"]} for each in series])
        return _data("vector", [{"metric": each["metric"], "value": each["values"][-1]} for each in series])

    def read(self, path: str) -> bytes:
        """The bytes that it answers to a GET of a path with its parameters."""
        bare, _, parameters = path.partition("?")
        return json.dumps(self.ask(bare, **dict(urllib.parse.parse_qsl(parameters)))).encode()

    def _series(self, query: LogQuery, streams: Sequence[Mapping[str, Any]]) -> Generator[Mapping[str, Any]]:
        groups = dict.fromkeys(
            tuple(fields[name] for name in query.groups)
            for stream in streams
            for fields in _fields(stream)
            if _fits(fields, query.filters) and all(name in fields for name in query.groups)
        )
        for number, group in enumerate(groups):
            values = [
                [self._now - STEP * (POINTS - place), f"{number + 2 + math.sin(place / 5 + number):.2f}"]
                for place in range(POINTS)
            ]
            yield {"metric": dict(zip(query.groups, group, strict=True)), "values": values}


def _fields(stream: Mapping[str, Any]) -> Generator[dict[str, str]]:
    """The labels of a stream's lines, with the fields of those in JSON."""
    for _, line in stream["values"]:
        fields: dict[str, object] = json.loads(line) if line.startswith("{") else {}
        yield {**stream["stream"], **{name: str(value) for name, value in fields.items()}}


def _fits(labels: Mapping[str, str], conditions: Sequence[tuple[str, str, str]]) -> bool:
    for name, operator, value in conditions:
        own = labels.get(name, "")
        matches = own == value if operator in ("=", "!=") else re.fullmatch(value, own) is not None
        if matches is operator.startswith("!"):
            return False
    return True


def _data(kind: str, result: Sequence[Any]) -> Mapping[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}

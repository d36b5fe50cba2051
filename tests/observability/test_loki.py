"""What the real Loki, limited as the program limits it, does on a bad day."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from observability.emitted import METRICS
from observability.loki import PLATFORM, TEAMS
from tests.observability import servers
from tests.observability.conftest import loki_configuration
from tests.observability.servers import RefusedError, Server

# Long enough for Loki to be built first.
pytestmark = pytest.mark.timeout(1800)


def write(loki: Server, tenant: str, component: str, *lines: tuple[float, str]) -> None:
    """Lines, each with the minutes that it is old."""
    labels = {"namespace": "game", "team": "none", "component": component, "pod": "p"}
    values = [[str(int((time.time() - 60 * age) * 1e9)), line] for age, line in lines]
    loki.post("/loki/api/v1/push", {"streams": [{"stream": labels, "values": values}]}, **{"X-Scope-OrgID": tenant})


def read(loki: Server, component: str) -> set[str]:
    """The lines of a component that are younger than three hours."""
    start, end = (str(int((time.time() - hours * 3600) * 1e9)) for hours in (3, 0))
    query = f'{{component="{component}"}}'
    found = loki.ask("/loki/api/v1/query_range", query=query, start=start, end=end, limit="100")
    return {line for each in found["data"]["result"] for _, line in each["values"]}


def test_what_was_kept_during_an_outage_is_taken_after_what_is_newer(loki: Server) -> None:
    write(loki, PLATFORM, "outage", (0, "after it"))
    write(loki, PLATFORM, "outage", (50, "when it began"), (40, "while it lasted"))
    assert read(loki, "outage") == {"after it", "when it began", "while it lasted"}


def test_a_loki_that_crashes_loses_no_line_that_it_took(loki_program: Path, tmp_path: Path) -> None:
    configuration = loki_configuration(tmp_path)
    with servers.loki(loki_program, tmp_path, configuration, PLATFORM, crashes=True) as before:
        write(before, PLATFORM, "crash", (1, "taken"))
    with servers.loki(loki_program, tmp_path, configuration, PLATFORM) as after:
        assert read(after, "crash") == {"taken"}


def test_teams_that_flood_are_held_back_and_the_platform_is_not(loki: Server) -> None:
    flood = [(0.0, "x" * 60_000) for _ in range(160)]
    with pytest.raises(RefusedError, match="rate limit"):
        write(loki, TEAMS, "flood", *flood)
    write(loki, PLATFORM, "calm", (0, "still heard"))
    assert read(loki, "calm") == {"still heard"}


def test_loki_emits_what_dashboards_and_alerts_ask_of_it(loki: Server) -> None:
    write(loki, PLATFORM, "counted", (0, "taken"))
    with pytest.raises(RefusedError, match="too old"):
        write(loki, PLATFORM, "counted", (3 * 24 * 60, "of three days ago"))
    said = [re.fullmatch(r"(\w+)(?:\{(.*)\})? \S+", line) for line in loki.read("/metrics").decode().splitlines()]
    labels = {line[1]: {*re.findall(r'(\w+)="', line[2] or "")} for line in said if line}
    for metric in METRICS.values():
        if metric.source == "Loki":
            # The first two come from whoever asks.
            assert {*metric.labels} - {"job", "instance"} <= labels[metric.name], metric.name


def test_a_label_more_than_the_pipeline_has_is_no_way_to_fill_loki(loki: Server) -> None:
    labels = {f"label_{number}": "x" for number in range(9)}
    line = [[str(int(time.time() * 1e9)), "x"]]
    with pytest.raises(RefusedError, match="label names"):
        loki.post("/loki/api/v1/push", {"streams": [{"stream": labels, "values": line}]}, **{"X-Scope-OrgID": TEAMS})

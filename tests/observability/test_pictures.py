"""Every dashboard as an operator sees it: in a browser, 1280 pixels wide, with data."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

from observability import dashboards
from tests.observability import viewing
from tests.observability.languages import CHOSEN
from tests.observability.logs_stand_in import LogsStandIn
from tests.observability.servers import Server
from tests.support.browser import browser

# Long enough for the servers to be built and the viewer's packages to be fetched first.
pytestmark = pytest.mark.timeout(1800)

KEPT = os.environ.get("DASHBOARD_PICTURES")
"""Folder in which the pictures are wanted, such as docs/dashboards."""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Generator[Chrome]:
    with browser(tmp_path_factory.mktemp("chromium"), *viewing.FLAGS) as driver:
        yield driver


@pytest.fixture(scope="module")
def site(prometheus: Server, logs: LogsStandIn) -> Generator[str]:
    with viewing.serving(viewing.page(), {**dashboards.files(), "wrong.json": wrong()}, prometheus, logs) as url:
        yield url


def wrong() -> str:
    """A dashboard with all that must be noticed."""

    def panel(number: int, title: str, query: str) -> dict[str, Any]:
        return {
            "id": number,
            "type": "stat",
            "title": title,
            "gridPos": {"x": 3 * number, "y": 0, "w": 3, "h": 4},
            "fieldConfig": {"defaults": {}, "overrides": []},
            "options": {"reduceOptions": {"calcs": ["lastNotNull"]}},
            "targets": [{"refId": "A", "expr": query, "instant": True}],
        }

    long = "A title that goes on and on"
    panels = [panel(0, "Fine", "up"), panel(1, "Slip", "sum(up"), panel(2, "Bare", "no_such"), panel(3, long, "up")]
    return json.dumps({"title": "Wrong", "time": {"from": "now-1h"}, "templating": {"list": []}, "panels": panels})


def test_what_is_wrong_with_a_picture_is_noticed(chromium: Chrome, site: str, now: float) -> None:
    seen = viewing.look(chromium, site, "wrong.json", {}, now)
    assert "parse error" in seen.panels["Slip"]
    assert seen.panels["Bare"] == "empty"
    assert seen.panels["Fine"] == "drawn"
    assert seen.cut == ("A title that goes on and on",)
    assert any("400" in said for said in seen.said)


@pytest.mark.parametrize("file", dashboards.files())
def test_a_dashboard_can_be_read(file: str, chromium: Chrome, site: str, now: float) -> None:
    chosen = {name.removeprefix("$"): value for name, value in CHOSEN.get(file, {}).items()}
    seen = viewing.look(chromium, site, file, chosen, now)
    if KEPT:
        (Path(KEPT) / f"{Path(file).stem}.png").write_bytes(seen.picture)
    assert seen.said == ()
    assert {title: state for title, state in seen.panels.items() if state != "drawn"} == {}
    assert seen.wider <= 0
    assert seen.cut == ()

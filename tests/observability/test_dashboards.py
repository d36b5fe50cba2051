"""Every query of every dashboard: those in PromQL by the real Prometheus, those in LogQL by Grafana's own grammar."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

from observability import dashboards
from observability.dashboards import LOKI, PROMETHEUS, Query
from observability.flows import LABELS
from observability.metrics_catalog import FIELDS, METRICS
from tests.observability.languages import answer, filled, metrics_of, values_of
from tests.observability.logql import parsed
from tests.observability.logs_stand_in import LogsStandIn
from tests.observability.servers import RefusedError, Server

# Long enough for the servers to be built first.
pytestmark = pytest.mark.timeout(1800)

FILES = dashboards.files()
QUERIES = list(dashboards.queries())


def name(query: Query) -> str:
    return f"{query.dashboard}-{query.asker}"


def unknown(query: Query, prometheus: Server) -> list[str]:
    """What a query asks for and nothing emits."""
    if query.source == LOKI:
        chosen = values_of(query)
        known = {*LABELS, *itertools.chain(*FIELDS.values())}
        asked = {chosen[1]} if chosen else parsed(filled(query)).names
        return sorted(asked - known)
    chosen = values_of(query)
    text, more = (chosen[0], {chosen[1]}) if chosen else (filled(query), set[str]())
    problems: list[str] = []
    for asked in metrics_of(prometheus, text):
        if asked.metric not in METRICS:
            problems.append(asked.metric)
        else:
            labels = {*asked.labels, *more}
            problems += [f"{asked.metric}{{{label}}}" for label in sorted(labels - {*METRICS[asked.metric].labels})]
    return problems


def strangers(text: str) -> set[str]:
    """Data sources that a dashboard names and Grafana does not have."""
    dashboard = json.loads(text)
    named = {*re.findall(r'"uid": "([^"]*)"', text), *(query.source for query in dashboards.queries_of("", dashboard))}
    return named - {*dashboards.DATA_SOURCES, dashboard["uid"]}


@pytest.mark.parametrize("file", FILES)
def test_a_dashboard_asks_only_data_sources_that_there_are(file: str) -> None:
    assert strangers(FILES[file]) == set()


def test_an_unknown_data_source_is_noticed() -> None:
    text = FILES["game/at-a-glance.json"]
    assert strangers(text.replace('"uid": "loki"', '"uid": "influx"')) == {"influx"}
    assert strangers(text.replace('"uid": "loki"', '"type": "loki"')) == {""}


@pytest.mark.parametrize("query", QUERIES, ids=name)
def test_a_query_asks_only_for_what_something_emits(query: Query, prometheus: Server) -> None:
    assert unknown(query, prometheus) == []


IN_PROMQL = [query for query in QUERIES if query.source == PROMETHEUS and not values_of(query)]


@pytest.mark.parametrize("query", IN_PROMQL, ids=name)
def test_no_panel_stays_empty(query: Query, prometheus: Server, now: float) -> None:
    series = answer(query, prometheus, now)
    assert series, filled(query)
    assert all(each.get("values") for each in series)


@pytest.mark.parametrize("query", [query for query in QUERIES if values_of(query)], ids=name)
def test_a_variable_offers_something(query: Query, prometheus: Server, logs: LogsStandIn) -> None:
    chosen = values_of(query)
    assert chosen
    of, label = chosen
    if query.source == LOKI:
        offered = logs.ask(f"/loki/api/v1/label/{label}/values")
    else:
        offered = prometheus.ask(f"/api/v1/label/{label}/values", **{"match[]": of})
    assert offered["data"]


@pytest.mark.parametrize(
    ("source", "text", "problems"),
    [
        (PROMETHEUS, "sum(hunt_playres)", ["hunt_playres"]),
        (PROMETHEUS, "sum by (squad) (hunt_players)", ["hunt_players{squad}"]),
        (PROMETHEUS, 'hunt_players{squad="red"}', ["hunt_players{squad}"]),
        (PROMETHEUS, "label_values(hunt_players, squad)", ["hunt_players{squad}"]),
        (LOKI, '{squad="red"}', ["squad"]),
        (LOKI, 'sum by (squad) (rate({team="red"} [5m]))', ["squad"]),
        (LOKI, "label_values(squad)", ["squad"]),
    ],
)
def test_a_name_that_nothing_emits_is_noticed(source: str, text: str, problems: list[str], prometheus: Server) -> None:
    assert unknown(Query("wrong.json", "panel", source, text), prometheus) == problems


@pytest.mark.parametrize(("source", "text"), [(PROMETHEUS, "sum(rate(up[5m])"), (LOKI, '{team="red"} |= error')])
def test_a_query_with_a_slip_is_refused(source: str, text: str, prometheus: Server) -> None:
    with pytest.raises(RefusedError, match="parse error"):
        unknown(Query("wrong.json", "panel", source, text), prometheus)


def panels(file: str) -> list[dict[str, Any]]:
    return [dict(panel) for panel in dashboards.panels(json.loads(FILES[file]))]


def test_each_question_has_its_dashboard_in_a_folder() -> None:
    titles = {json.loads(text)["title"]: file.partition("/")[0] for file, text in FILES.items()}
    assert titles == {
        "The game at a glance": "game",
        "One component": "game",
        "Builds and deployments": "platform",
        "The board": "platform",
        "The game master": "platform",
        "Logs by team": "teams",
        "A team": "teams",
    }
    assert set(titles.values()) == set(dashboards.FOLDERS)


def test_no_two_dashboards_share_an_id() -> None:
    ids = [json.loads(text)["uid"] for text in FILES.values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("file", FILES)
def test_no_panel_lies_on_another_or_beyond_the_page(file: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels(file):
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        ):
            assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
            taken[cell] = panel["title"]


@pytest.mark.parametrize("file", FILES)
def test_no_number_is_red_for_being_large(file: str) -> None:
    """Where a panel names no colour, Grafana takes green, and from 80 on red."""
    for panel in panels(file):
        if panel["type"] in ("stat", "bargauge"):
            defaults = panel["fieldConfig"]["defaults"]
            assert "thresholds" in defaults or defaults["color"]["mode"] == "fixed", panel["title"]


@pytest.mark.parametrize("file", FILES)
def test_every_number_says_what_it_is(file: str) -> None:
    ids = [panel["id"] for panel in panels(file)]
    assert len(set(ids)) == len(ids)
    assert json.loads(FILES[file])["description"].endswith((".", "?"))
    for panel in panels(file):
        assert panel["title"]
        # A twenty-fourth of 1280 pixels is 53: fewer than three leave no room for a title.
        assert panel["type"] == "row" or panel["gridPos"]["w"] >= 3

"""Dashboards: a folder of Grafana for each folder of `dashboards/`, in which each file answers one question.

A dashboard may use only the data sources that Grafana is given and the metrics and labels that something emits; the
tests hold each of its queries against `observability/metrics_catalog.py` and against the language's own parser.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

FOLDERS: Final[Mapping[str, str]] = {"game": "Game", "platform": "Platform", "teams": "Teams"}
"""Folder of files to its title in Grafana."""
PROMETHEUS: Final = "prometheus"
LOKI: Final = "loki"
DATA_SOURCES: Final = (PROMETHEUS, LOKI)
"""Unique ids of the data sources; each is also the name of its language's server."""
_HOME = Path(__file__).parent / "dashboards"
Node = Mapping[str, Any]


@dataclass(frozen=True)
class Query:
    """Query of one panel, variable or annotation to a data source."""

    dashboard: str
    """File of the dashboard, such as `game/at-a-glance.json`."""
    asker: str
    """Title of the panel, or name of the variable."""
    source: str
    """Unique id of the data source, as it is written there."""
    text: str


def files() -> Mapping[str, str]:
    """File of each dashboard, such as `game/at-a-glance.json`, to its text."""
    found = sorted(_HOME.glob("*/*.json"))
    return {str(file.relative_to(_HOME)): file.read_text() for file in found}


def panels(dashboard: Node) -> Generator[Node]:
    """Every panel, also those inside rows."""
    for panel in cast("list[Node]", dashboard.get("panels", [])):
        yield panel
        yield from panels(panel)


def queries() -> Generator[Query]:
    """Every query of every dashboard."""
    for file, text in files().items():
        yield from queries_of(file, json.loads(text))


def queries_of(file: str, dashboard: Node) -> Generator[Query]:
    """Every query of one dashboard."""
    for variable in dashboard.get("templating", {}).get("list", []):
        if variable["type"] == "query":
            text = variable["query"]
            asked = text if isinstance(text, str) else text["query"]
            yield Query(file, f"${variable['name']}", variable["datasource"]["uid"], asked)
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            source = target.get("datasource", panel.get("datasource", {})).get("uid", "")
            yield Query(file, panel["title"], source, target["expr"])

"""What is placed on a board beside the game: Grafana."""

from __future__ import annotations

from tests.unit import programs
from tests.unit.monitor import graph_of


def test_grafana_takes_its_password_from_a_secret_and_not_from_its_values(preview: bool) -> None:
    graph = graph_of(programs.observability, preview)
    assert "stringData.admin-password" in {*graph["observability-grafana-admin"].secrets} or (
        "stringData" in graph["observability-grafana-admin"].secrets
    )
    assert graph["observability-grafana-release"].inputs["values"]["admin"]["existingSecret"] == "grafana-admin"


def test_grafana_is_exposed_by_its_name(preview: bool) -> None:
    values = graph_of(programs.observability, preview)["observability-grafana-release"].inputs["values"]
    assert values["ingress"]["hosts"] == ["grafana.hunt.example.org"]
    assert values["grafana.ini"]["server"]["root_url"] == "http://grafana.hunt.example.org/"

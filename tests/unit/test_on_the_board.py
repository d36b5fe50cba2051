"""What is placed on a board, and when people are sent there."""

from __future__ import annotations

from pulumi import ResourceOptions
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import ConfigMap

from tests.support import programs
from tests.support.monitor import graph_of, run


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


def test_the_games_names_move_to_a_board_once_all_that_they_name_is_served_there(preview: bool) -> None:
    def named() -> None:
        game = programs.game_app_with_delivery()
        held = {"address": game.address}
        ConfigMap("names", metadata={}, data=held, opts=ResourceOptions(provider=Provider("elsewhere")))

    served = {"game-hunt-ingress", "game-scm-ingress", "game-delivery-drone-ingress"}
    assert served <= run(named, preview=preview)["names"].depends_on

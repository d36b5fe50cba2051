"""What is placed on a board: Grafana and the game."""

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


def test_players_reach_the_portal_by_the_games_name(preview: bool) -> None:
    ingress = graph_of(programs.game_app, preview)["game-portal-ingress"].inputs["spec"]
    assert ingress["rules"][0]["host"] == "play.hunt.example.org"
    assert ingress["ingressClassName"] == "nginx"


def test_the_portal_runs_without_rights_in_a_namespace_that_demands_it(preview: bool) -> None:
    graph = graph_of(programs.game_app, preview)
    namespace = graph["game-namespace"].inputs["metadata"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = graph["game-portal-deployment"].inputs["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_first_page_tells_the_player_what_to_ask_for(preview: bool) -> None:
    page = graph_of(programs.game_app, preview)["game-portal-pages"].inputs["data"]["index.html"]
    assert "dig play.hunt.example.org" in page

"""The hunt on the board, as the program registers it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from game_app.services.hunt.codes import word
from game_app.services.hunt.hunt_parser import parse
from tests.support import programs
from tests.support.monitor import Graph, graph_of, run
from tests.support.policies import rules


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(programs.game_app_with_delivery, preview)


@pytest.fixture
def made() -> Graph:
    return graph_of(programs.game_app_with_delivery, False)


def container(graph: Graph, deployment: str = "game-hunt-deployment") -> dict[str, Any]:
    return graph[deployment].inputs["spec"]["template"]["spec"]["containers"][0]


def test_players_reach_the_page_by_the_games_name(graph: Graph) -> None:
    ingress = graph["game-hunt-ingress"].inputs["spec"]
    assert ingress["rules"][0]["host"] == "play.hunt.example.org"
    assert ingress["ingressClassName"] == "nginx"
    [path] = ingress["rules"][0]["http"]["paths"]
    assert path["backend"]["service"] == {"name": "hunt", "port": {"name": "main"}}


def test_the_service_runs_without_rights_in_a_namespace_of_its_own_that_demands_it(graph: Graph) -> None:
    namespace = graph["game-hunt-namespace-object"].inputs["metadata"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    spec = graph["game-hunt-deployment"].inputs["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container(graph)["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["name"] for mount in container(graph)["volumeMounts"] if not mount["readOnly"]] == ["progress"]


def test_no_two_of_it_write_in_one_file_and_what_is_written_outlives_the_pod(graph: Graph) -> None:
    spec = graph["game-hunt-deployment"].inputs["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    volumes = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}
    assert volumes["progress"]["persistentVolumeClaim"] == {"claimName": "progress"}
    assert graph["game-hunt-progress"].inputs["spec"]["resources"]["requests"] == {"storage": "5Gi"}


def test_prometheus_reads_its_numbers_and_no_player_can(graph: Graph) -> None:
    annotations = graph["game-hunt-deployment"].inputs["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == "9090"
    [port] = graph["game-hunt-service"].inputs["spec"]["ports"]
    assert port["targetPort"] == "main"
    opened = [rule for rule in rules(graph, "game-hunt", "ingress") if rule.get("ports")]
    assert [rule["ports"] for rule in opened] == [[{"protocol": "TCP", "port": 9090}]]
    assert opened[0]["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "observability"}


def test_it_talks_to_the_source_control_and_the_cluster_and_nobody_else(graph: Graph, preview: bool) -> None:
    told = json.dumps(rules(graph, "game-hunt", "egress"), default=str)
    assert '"gitea"' in told
    assert (programs.API_ADDRESSES[0] in told) is not preview, "it is not known before the board is"
    assert "0.0.0.0/0" not in told
    assert '"hunt"' in json.dumps(rules(graph, "game-scm", "ingress"))


def test_it_may_look_at_the_teams_deployments_and_at_nothing_else(graph: Graph) -> None:
    assert graph["game-hunt-role"].inputs["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
    ]
    assert not graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")
    for team in ("red", "blue"):
        binding = graph[f"game-hunt-{team}-binding"].inputs
        assert binding["metadata"]["namespace"] == f"team-{team}"
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "hunt", "namespace": "hunt"}]


def test_its_secrets_are_secret_and_those_of_the_accounts_that_read_and_merge(made: Graph) -> None:
    held = made["game-hunt-secrets"]
    assert "stringData" in held.secrets
    given = held.inputs["stringData"]
    assert given["reader"].startswith("clone-bot:")
    assert given["merger"].startswith("merge-bot:")
    assert len(given["key"]) == 64
    for resource in made.resources.values():
        shown = {key: value for key, value in resource.inputs.items() if key not in resource.secrets}
        assert given["key"] not in json.dumps(shown, default=str), resource.name


def test_it_serves_the_course_and_the_teams_of_the_settings(made: Graph) -> None:
    data = made["game-hunt-configuration"].inputs["data"]
    assert parse(json.loads(data["hunt.json"])) == programs.COURSE
    teams = json.loads(data["teams.json"])
    assert teams["page_url"] == "http://play.hunt.example.org/"
    assert teams["git_url"] == "http://git.hunt.example.org/"
    assert {team["name"]: (team["repository"], team["namespace"]) for team in teams["teams"]} == {
        "red": ("game/team-red", "team-red"),
        "blue": ("game/team-blue", "team-blue"),
    }


def test_its_program_is_mounted_as_it_lies_in_the_project(made: Graph) -> None:
    spec = made["game-hunt-deployment"].inputs["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    items = {item["path"]: item["key"] for item in volumes["program"]["configMap"]["items"]}
    own = {f"services/hunt/{file}" for file in ("__main__.py", "pages/team.html", "pages/style.css")}
    assert own | {"services/http_server.py", "services/http_client.py"} <= set(items)
    assert not [path for path in items if path.startswith(("services/guard", "services/setup"))]
    assert set(items.values()) == set(made["game-hunt-program"].inputs["data"])


def test_each_team_has_a_clue_pod_that_logs_its_own_word_and_nobody_reads_it_but_in_the_logs(made: Graph) -> None:
    key = made["game-hunt-secrets"].inputs["stringData"]["key"]
    for team in ("red", "blue"):
        held = made[f"game-hunt-clue-pod-{team}-clues"]
        assert "stringData" in held.secrets
        assert held.inputs["metadata"]["namespace"] == f"team-{team}"
        own = word(key, team, "logs")
        assert held.inputs["stringData"] == {"logs": f"The bell of {team} rings out: its word is {own}."}
        deployment = made[f"game-hunt-clue-pod-{team}-deployment"]
        assert own not in json.dumps(deployment.inputs, default=str)
        assert "while :" in container(made, f"game-hunt-clue-pod-{team}-deployment")["command"][2]


def test_without_delivery_there_is_a_page_and_nobody_to_play(preview: bool) -> None:
    graph = graph_of(programs.game_app, preview)
    assert graph["game-hunt-ingress"].inputs["spec"]["rules"][0]["host"] == "play.hunt.example.org"
    assert graph["game-hunt-secrets"].inputs["stringData"] == {"key": ""}, "it takes a key that nobody knows"
    assert not [name for name in graph.resources if "clue-pod" in name or "binding" in name]


def test_adding_a_team_gives_it_a_clue_pod_and_changes_of_the_others_nothing(preview: bool) -> None:
    before = run(lambda: programs.game_app_with_delivery(teams={"red": ["ada"]}), preview=preview)
    after = run(lambda: programs.game_app_with_delivery(teams={"green": ["linus"], "red": ["ada"]}), preview=preview)
    assert "game-hunt-clue-pod-green-deployment" in after.resources
    for name in (each for each in before.resources if "clue-pod-red" in each or "hunt-red" in each):
        assert after[name].inputs == before[name].inputs, name

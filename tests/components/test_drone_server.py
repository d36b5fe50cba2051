"""Drone's server as the program registers it: T17 and T31 of the attack suite."""

from __future__ import annotations

import re

import pytest

from common.keys import derived
from game_app.build_limits import TEAM_BUILD_TIMEOUT_MINUTES
from tests.components.deliveries import MASTER, container, delivery, environment
from tests.support.monitor import Graph, graph_of
from tests.support.policies import rules


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(delivery, preview)


def test_t17_the_servers_image_is_one_that_asks_the_extensions(graph: Graph) -> None:
    name, _, tag = container(graph, "delivery-drone-deployment")["image"].rpartition(":")
    assert name == "docker.io/drone/drone"
    assert tuple(map(int, tag.split("."))) >= (2, 28, 1), "older ones, and those with a suffix such as -oss, do not"


def test_t17_the_server_asks_both_extensions_with_secrets_of_their_own(graph: Graph, preview: bool) -> None:
    env = environment(graph, "delivery-drone-deployment")
    if not preview:
        assert env["DRONE_YAML_ENDPOINT"] == "http://guard.guard.svc.cluster.local:3000/config"
        assert env["DRONE_VALIDATE_PLUGIN_ENDPOINT"] == "http://guard.guard.svc.cluster.local:3000/validate"
    guard = graph["delivery-guard-secrets"].inputs["stringData"]
    assert env["DRONE_YAML_SECRET"] == guard["config"] == derived(MASTER, "drone-config")
    assert env["DRONE_VALIDATE_PLUGIN_SECRET"] == guard["validate"]
    assert guard["config"] != guard["validate"]


def test_the_server_tells_the_guard_what_became_of_builds(graph: Graph, preview: bool) -> None:
    env = environment(graph, "delivery-drone-deployment")
    if not preview:
        assert env["DRONE_WEBHOOK_ENDPOINT"] == "http://guard.guard.svc.cluster.local:3000/ended"
    assert env["DRONE_WEBHOOK_EVENTS"] == "build:updated"
    guard = graph["delivery-guard-secrets"].inputs["stringData"]
    assert env["DRONE_WEBHOOK_SECRET"] == guard["ended"] == derived(MASTER, "drone-ended")
    assert len({guard["config"], guard["validate"], guard["ended"]}) == 3


@pytest.mark.parametrize(
    "key",
    [
        "DRONE_CONVERT_PLUGIN_ENDPOINT",
        "DRONE_CONVERT_MULTI",
        "DRONE_REPOSITORY_TRUSTED",
        "DRONE_SECRET_ENDPOINT",
        "DRONE_SECRET_PLUGIN_ENDPOINT",
        "DRONE_REGISTRY_ENDPOINT",
        "DRONE_ADMISSION_PLUGIN_ENDPOINT",
        "DRONE_YAML_SKIP_VERIFY",
        "DRONE_LOGS_DEBUG",
        "DRONE_LOGS_TRACE",
    ],
)
def test_t17_nothing_else_has_a_say_in_a_pipeline(graph: Graph, key: str) -> None:
    assert key not in environment(graph, "delivery-drone-deployment")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DRONE_JSONNET_ENABLED", "false"),
        ("DRONE_STARLARK_ENABLED", "false"),
        ("DRONE_CRON_DISABLED", "true"),
        ("DRONE_REGISTRATION_CLOSED", "true"),
        ("DRONE_REPOSITORY_FILTER", "game"),
        ("DRONE_REPOSITORY_VISIBILITY", "private"),
        ("DRONE_SERVER_PRIVATE_MODE", "true"),
        ("DRONE_GIT_ALWAYS_AUTH", "true"),
        ("DRONE_GIT_USERNAME", "clone-bot"),
        ("DRONE_INCOMING_WEBHOOK_EVENTS", "push,pull_request"),
        ("DRONE_DATADOG_ENABLED", "false"),
        ("DRONE_GITEA_SCOPE", "write:repository,read:user,read:organization"),
    ],
)
def test_t17_the_server_is_set_as_the_design_wants_it(graph: Graph, key: str, value: str) -> None:
    assert environment(graph, "delivery-drone-deployment")[key] == value


def test_t17_no_two_secrets_are_the_same_and_each_is_long_enough(graph: Graph) -> None:
    env = environment(graph, "delivery-drone-deployment")
    secrets = [value for key, value in env.items() if key.endswith("_SECRET") and value]
    assert len(set(secrets)) == len(secrets) == 6
    assert len(env["DRONE_DATABASE_SECRET"]) == 32
    token = re.search(r"token:([0-9a-f]+)$", env["DRONE_USER_CREATE"])
    assert token is not None
    assert len(token[1]) >= 32


def test_a_dump_of_the_database_is_made_every_hour_onto_another_volume(graph: Graph) -> None:
    job = graph["delivery-postgres-backup"].inputs["spec"]
    assert job["schedule"].split()[1:] == ["*"] * 4
    volumes = job["jobTemplate"]["spec"]["template"]["spec"]["volumes"]
    assert "dumps" in {volume["name"] for volume in volumes}
    assert set(graph["delivery-postgres-scripts"].inputs["data"]) == {"dump.sh", "restore.sh"}


def test_t31_drone_is_reached_by_a_certificate_but_for_what_runners_and_prometheus_ask(graph: Graph) -> None:
    ingress = graph["delivery-drone-ingress"].inputs
    certificate = graph["delivery-drone-certificate"].inputs["spec"]
    assert certificate["issuerRef"]["name"] == "acme"
    assert (certificate["secretName"], certificate["dnsNames"]) == ("drone-tls", ["drone.hunt.example.org"])
    assert ingress["spec"]["tls"] == [{"hosts": ["drone.hunt.example.org"], "secretName": "drone-tls"}]
    [rule] = ingress["spec"]["rules"]
    leads = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert leads.pop("/") == "drone"
    whole = {"/rpc", "/hook", "/metrics", "/varz", "/debug", "/healthz", "/version", "/api/badges"}
    exact = {path["path"] for path in rule["http"]["paths"] if path["pathType"] == "Exact"}
    assert exact == {"/api/stream", "/api/stream/"} | whole
    # A prefix ends with its slash: F5's controller would else close every page that begins like one.
    assert leads.keys() - exact == {f"{path}/" for path in whole}
    assert set(leads.values()) == {"blackhole"}
    assert "selector" not in graph["delivery-drone-blackhole"].inputs["spec"]


def test_prometheus_is_told_of_drones_numbers_and_let_in(graph: Graph) -> None:
    pod = graph["delivery-drone-deployment"].inputs["spec"]["template"]
    marks = pod["metadata"]["annotations"]
    assert {key: value for key, value in marks.items() if key.startswith("prometheus.io/")} == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8080",
        "prometheus.io/path": "/metrics",
    }
    assert environment(graph, "delivery-drone-deployment")["DRONE_PROMETHEUS_ANONYMOUS_ACCESS"] == "true"
    allowed = [
        peer["namespaceSelector"]["matchLabels"].get("kubernetes.io/metadata.name")
        for entry in rules(graph, "delivery", "ingress")
        for peer in entry["from"]
    ]
    assert "observability" in allowed


def test_what_the_set_up_hands_over_is_all_that_it_may_change(graph: Graph) -> None:
    rights = {
        (role.inputs["metadata"]["namespace"], *rule["resourceNames"], *rule["verbs"])
        for role in graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:Role")
        if role.inputs["metadata"]["name"].startswith("write-")
        for rule in role.inputs["rules"]
    }
    assert rights == {("delivery", "oauth-application", "get", "patch"), ("guard", "signatures", "get", "patch")}
    for name in ("delivery-drone-oauth-application", "delivery-guard-signatures"):
        assert set(graph[name].options.ignoreChanges) == {"data", "stringData"}


def test_a_build_that_nobody_runs_any_more_is_ended_soon_after_its_time(graph: Graph) -> None:
    """Drone adds the buffer to the deadline and to the repository's own time: drone 2.28.2, service/canceler/reaper."""
    env = environment(graph, "delivery-drone-deployment")
    assert env["DRONE_CLEANUP_BUFFER"] == env["DRONE_CLEANUP_INTERVAL"] == "5m"
    assert env["DRONE_CLEANUP_DEADLINE_RUNNING"] == f"{TEAM_BUILD_TIMEOUT_MINUTES}m"

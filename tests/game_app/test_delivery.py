"""Continuous deployment as the program registers it: T17 to T22 of the attack suite."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pytest
import yaml
from pulumi_kubernetes import Provider

from common.keys import derived, dns_key
from common.settings import Secret
from common.versions import Images
from game_app.build_limits import (
    COMPONENT_BUILD_TIMEOUT_MINUTES,
    LONGEST_BUILD_TIMEOUT_MINUTES,
    TEAM_BUILD_TIMEOUT_MINUTES,
)
from game_app.delivery.continuous_deployment import Delivery, DeliveryArgs
from game_app.delivery.drone_runner import MAX_CAPACITY
from game_app.delivery.runner_policies import DENIED, DEPLOYMENT, TRUSTS, UNTRUSTED, Trust, policy_file
from game_app.guard.pipelines import pipeline_files
from game_app.ingress import Endpoint
from game_app.scm.gitea.gitea_accounts import gitea_source_control
from tests.kube_runner import policy_for
from tests.unit.monitor import Graph, Registered, graph_of, run
from tests.unit.policies import rules
from tests.unit.programs import API, API_ADDRESSES, delivery_settings, registry

MASTER = dns_key()
PASSWORD = "registry's password"
GIT, DRONE = (
    Endpoint(host=f"{name}.hunt.example.org", ingress_class="nginx", cluster_issuer="acme") for name in ("git", "drone")
)
TEAMS = ("team-blue", "team-red")


def delivery(*teams: str) -> None:
    own = delivery_settings(master_key=Secret(MASTER), signing_key=Secret(PASSWORD), signing_password=Secret(PASSWORD))
    source_control = gitea_source_control(own, GIT, players=())
    Delivery(
        "delivery",
        DeliveryArgs(
            settings=own,
            images=Images(),
            endpoint=DRONE,
            source_control=source_control,
            pipelines=pipeline_files(
                organisation=source_control.organisation,
                components=own.components,
                teams=teams or TEAMS,
                source=source_control.builds_url,
                registry="registry.example/game",
                images=Images(),
            ),
            component_namespace="game",
            teams={team: team for team in teams or TEAMS},
            registry=registry(PASSWORD),
            api=API,
        ),
        opts=pulumi.ResourceOptions(providers=[Provider("board")]),
    )


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(delivery, preview)


def container(graph: Graph, name: str) -> dict[str, Any]:
    return graph[name].inputs["spec"]["template"]["spec"]["containers"][0]


def environment(graph: Graph, name: str) -> Mapping[str, Any]:
    """The variables of a Deployment's container, those of its Secret among them."""
    given = container(graph, name)
    plain = {entry["name"]: entry.get("value") for entry in given["env"]}
    for source in given["envFrom"]:
        secret = next(
            resource
            for resource in graph.of_type("kubernetes:core/v1:Secret")
            if resource.inputs["metadata"]["name"] == source["secretRef"]["name"]
        )
        plain |= secret.inputs["stringData"] or {}
    return plain


def within(graph: Graph, kind: str, namespace: str) -> list[Registered]:
    return [
        resource
        for resource in graph.resources.values()
        if resource.type.endswith(f":{kind}") and resource.inputs["metadata"].get("namespace") == namespace
    ]


BUILD_NAMESPACES = [f"{trust.prefix}{repository}" for trust in TRUSTS for repository in ("portal", *TEAMS)]


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


def test_t18_drone_holds_no_secret_of_a_deployment(graph: Graph) -> None:
    assert not [resource.name for resource in graph.resources.values() if "drone:" in resource.type.lower()]
    for pipeline in graph["delivery-guard-pipelines"].inputs["data"].values():
        assert "from_secret" not in pipeline


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
def test_t19_each_repository_and_event_has_one_namespace_and_all_else_has_none(graph: Graph, trust: Trust) -> None:
    text = graph[f"delivery-runner-{trust.name}-policies"].inputs["data"]["policies.yaml"]
    for repository in ("portal", *TEAMS):
        policy = policy_for(text, f"game/{repository}", trust.event)
        assert policy["metadata"]["namespace"] == f"{trust.prefix}{repository}"
        assert policy["service_account"] == trust.account
    for repository, event in [("game/other", trust.event), ("ada/team-red", trust.event), ("game/team-red", "tag")]:
        assert policy_for(text, repository, event)["metadata"]["namespace"] == DENIED
    other = DEPLOYMENT if trust is UNTRUSTED else UNTRUSTED
    assert policy_for(text, "game/team-red", other.event)["metadata"]["namespace"] == DENIED


def test_t19_a_word_that_the_runner_does_not_know_would_let_everybody_everywhere() -> None:
    ours = policy_file(UNTRUSTED, "game", ["team-red", "team-blue"])
    misspelt = policy_for(ours.replace('"repo"', '"repos"'), "ada/anything", "pull_request")
    assert misspelt["metadata"]["namespace"] == "ci-team-red"
    assert policy_for(ours, "ada/anything", "pull_request")["metadata"]["namespace"] == DENIED
    known = [policy for policy in yaml.safe_load_all(ours) if policy]
    assert {key for policy in known for key in policy.get("match", {})} == {"repo", "event"}


def test_t19_where_an_unknown_build_ends_no_pod_can_start(graph: Graph) -> None:
    assert within(graph, "ResourceQuota", DENIED)[0].inputs["spec"]["hard"]["pods"] == "0"


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
def test_t20_a_runner_takes_its_own_builds_only_and_gives_away_nothing(graph: Graph, trust: Trust) -> None:
    env = environment(graph, f"delivery-runner-{trust.name}-deployment")
    assert env["DRONE_RUNNER_LABELS"] == f"trust:{trust.name}"
    assert env["DRONE_LIMIT_EVENTS"] == trust.event
    assert env["DRONE_LIMIT_REPOS"] == "game/*"
    assert env["DRONE_NETRC_CLONE_ONLY"] == "true"
    assert env["DRONE_TMATE_ENABLED"] == "false"
    assert env["DRONE_NAMESPACE_DEFAULT"] == DENIED
    assert env["DRONE_POLICY_FILE"] == "/etc/runner/policies.yaml"
    assert "DRONE_RUNNER_PRIVILEGED_IMAGES" not in env
    assert "DRONE_SECRET_PLUGIN_ENDPOINT" not in env
    assert not env["DRONE_IMAGE_CLONE"].endswith(":latest")


def test_t20_every_pipeline_goes_to_the_runner_of_its_own_event(graph: Graph) -> None:
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        if name.endswith(".yaml"):
            trust = next(trust for trust in TRUSTS if name.endswith(f".{trust.event}.yaml"))
            assert yaml.safe_load(text)["node"] == {"trust": trust.name}, name


def test_t27_each_repository_has_a_place_in_both_runners_and_one_build_at_a_time(graph: Graph) -> None:
    for trust in TRUSTS:
        places = environment(graph, f"delivery-runner-{trust.name}-deployment")["DRONE_RUNNER_CAPACITY"]
        assert places == str(len(["portal", *TEAMS]))
        asks = environment(graph, f"delivery-runner-{trust.name}-deployment")["DRONE_KUBE_CLIENT_QPS"]
        assert int(asks) >= MAX_CAPACITY / 2, "with fewer the places would wait for each other"
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        if name.endswith(".yaml"):
            assert yaml.safe_load(text)["concurrency"] == {"limit": 1}, name


def test_t11_no_pipeline_asks_for_what_the_runner_gives_trusted_repositories_alone(graph: Graph) -> None:
    """Source: drone-runner-kube, engine/linter/linter.go"""
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        if name.endswith(".yaml"):
            pipeline = yaml.safe_load(text)
            assert not any(step.get("privileged") for step in pipeline["steps"]), name
            for volume in pipeline.get("volumes", []):
                assert set(volume) == {"name", "temp"}, name
                assert volume["temp"].get("medium") != "memory", name


def test_steps_that_share_credentials_run_as_the_user_who_wrote_them(graph: Graph) -> None:
    steps = yaml.safe_load(graph["delivery-guard-pipelines"].inputs["data"]["component.push.yaml"])["steps"]
    share = {step["name"]: step.get("user") for step in steps if step.get("volumes")}
    # The images of the two others run as root by themselves.
    assert share == {"credentials": None, "build": 0, "scan": None, "sign": 0}


def test_every_step_is_begun_by_its_images_own_shell(graph: Graph) -> None:
    """The runner gives every container /bin/sh for an entry point, and joins one that a step names to a command."""
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        for step in yaml.safe_load(text)["steps"] if name.endswith(".yaml") else ():
            assert step["commands"], name
            assert not {"entrypoint", "command"} & set(step), name
            assert step["image"] != Images().cosign, "it has none"


def test_t24_no_image_is_built_of_what_a_pull_request_holds(graph: Graph) -> None:
    files = graph["delivery-guard-pipelines"].inputs["data"]
    assert {name for name, text in files.items() if "buildctl" in text} == {"component.push.yaml"}


def test_a_build_clones_where_its_pods_may_go_and_nowhere_that_drone_says(graph: Graph) -> None:
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        if name.endswith(".yaml"):
            [fetch] = [each for each in yaml.safe_load(text)["steps"][0]["commands"] if each.startswith("git fetch")]
            assert " http://gitea.scm.svc.cluster.local:3000/@owner@/@name@.git " in fetch, name
            assert "DRONE_GIT_HTTP_URL" not in text, name


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
@pytest.mark.parametrize(("repository", "kind"), [("portal", "component"), ("team-red", "team")])
def test_t21_where_a_pipeline_runs_there_is_room_for_its_pod_and_those_that_end(
    graph: Graph, trust: Trust, repository: str, kind: str
) -> None:
    steps = yaml.safe_load(graph["delivery-guard-pipelines"].inputs["data"][f"{kind}.{trust.event}.yaml"])["steps"]
    text = graph[f"delivery-runner-{trust.name}-policies"].inputs["data"]["policies.yaml"]
    policy = policy_for(text, f"game/{repository}", trust.event)
    limit = policy["resources"]["limit"]
    assert limit == {"cpu": 1000, "memory": "1GiB"}
    hard = within(graph, "ResourceQuota", policy["metadata"]["namespace"])[0].inputs["spec"]["hard"]
    assert int(hard["pods"]) >= 3, "who changes a pull request twice in a minute has two that end"
    containers = int(hard["pods"]) * len(steps)
    assert (hard["limits.cpu"], hard["limits.memory"]) == (str(containers), f"{containers}Gi")
    assert hard["limits.ephemeral-storage"] == f"{2 * containers}Gi"


def test_the_places_of_a_runner_end_at_what_the_board_bears(preview: bool) -> None:
    graph = run(lambda: delivery(*(f"team-{number}" for number in range(MAX_CAPACITY))), preview=preview)
    assert environment(graph, "delivery-runner-deploy-deployment")["DRONE_RUNNER_CAPACITY"] == str(MAX_CAPACITY)


def test_t20_a_runner_has_rights_where_its_builds_run_and_nowhere_else(graph: Graph) -> None:
    assert not [resource.name for resource in graph.resources.values() if "ClusterRole" in resource.type]
    for trust in TRUSTS:
        bound = {
            binding.inputs["metadata"]["namespace"]
            for binding in graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
            if binding.inputs["subjects"][0]["name"] == f"runner-{trust.name}"
        }
        assert bound == {each for each in BUILD_NAMESPACES if each.startswith(trust.prefix)}


def test_t20_no_build_runs_beside_the_runners(graph: Graph) -> None:
    namespaces = {each.inputs["metadata"]["name"] for each in graph.of_type("kubernetes:core/v1:Namespace")}
    assert {"runners", "delivery", "guard", DENIED, *BUILD_NAMESPACES, "buildkit"} == namespaces
    for name in ("delivery-runner-untrusted-account", "delivery-runner-deploy-account"):
        assert graph[name].inputs["metadata"]["namespace"] == "runners"


@pytest.mark.parametrize("build_namespace", [*BUILD_NAMESPACES, DENIED])
def test_t21_where_builds_run_they_are_held(graph: Graph, build_namespace: str) -> None:
    namespace = next(
        each
        for each in graph.of_type("kubernetes:core/v1:Namespace")
        if each.inputs["metadata"]["name"] == build_namespace
    )
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    hard = within(graph, "ResourceQuota", build_namespace)[0].inputs["spec"]["hard"]
    assert {"pods", "limits.cpu", "limits.memory", "limits.ephemeral-storage"} <= set(hard)
    limits = within(graph, "LimitRange", build_namespace)[0].inputs["spec"]["limits"][0]
    assert "ephemeral-storage" in limits["default"]
    assert set(limits["min"]) == set(limits["max"])
    accounts = within(graph, "ServiceAccount", build_namespace)
    expected = build_namespace.startswith(DEPLOYMENT.prefix)
    assert [account.inputs["automountServiceAccountToken"] for account in accounts] == [expected]
    specs = {
        each.inputs["metadata"]["name"]: each.inputs["spec"] for each in within(graph, "NetworkPolicy", build_namespace)
    }
    assert set(specs["default-deny"]["policyTypes"]) == {"Ingress", "Egress"}
    assert specs["default-deny"]["podSelector"] == {}
    assert not any(spec["ingress"] for spec in specs.values())


def peers(graph: Graph, namespace: str) -> list[Mapping[str, Any]]:
    specs = [policy.inputs["spec"] for policy in within(graph, "NetworkPolicy", namespace)]
    return [peer for spec in specs for rule in spec["egress"] for peer in rule["to"]]


@pytest.mark.parametrize("repository", ["portal", *TEAMS])
def test_t21_t25_a_pull_requests_build_reaches_names_and_the_source_control_and_no_address(
    graph: Graph, repository: str
) -> None:
    reached = peers(graph, f"{UNTRUSTED.prefix}{repository}")
    assert not [peer for peer in reached if "ipBlock" in peer], "no metadata service, no API, no node, no internet"
    assert {peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in reached} == {
        "kube-system",
        "scm",
    }


METADATA = ("169.254.42.42", "169.254.169.254")


def test_t21_t25_no_build_reaches_the_metadata_service_or_another_private_address(graph: Graph) -> None:
    for build_namespace in BUILD_NAMESPACES:
        for peer in peers(graph, build_namespace):
            block = peer.get("ipBlock", {"cidr": API_ADDRESSES[0]})
            if block["cidr"] == "0.0.0.0/0":
                private = {"169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}
                assert set(block["except"]) >= {*private, API_ADDRESSES[0]}
            else:
                assert block["cidr"] == API_ADDRESSES[0], "the cluster's API, for a deployment"
            assert ":" not in block["cidr"], "IPv6 stays closed"


def test_t25_t28_a_teams_deployment_has_no_way_to_the_internet_or_the_image_builder(graph: Graph) -> None:
    reached = peers(graph, "cd-team-red")
    assert not [peer for peer in reached if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0"]
    assert "buildkit" not in json.dumps(reached)
    assert "buildkit" in json.dumps(peers(graph, "cd-portal"))


def test_t22_a_deployment_has_rights_in_its_own_target_only(graph: Graph) -> None:
    bindings = {
        (binding.inputs["subjects"][0]["namespace"], binding.inputs["metadata"]["namespace"])
        for binding in graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
        if binding.inputs["subjects"][0]["name"] == "deployer"
    }
    assert bindings == {
        ("cd-team-red", "team-red"),
        ("cd-team-blue", "team-blue"),
        ("cd-portal", "game"),
        ("cd-portal", "cd-portal"),
    }


def test_t22_nobody_is_let_in_anywhere(graph: Graph) -> None:
    for binding in graph.of_type("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"):
        names = {subject["name"] for subject in binding.inputs["subjects"]}
        assert not names & {"nobody", "default"}
        assert {subject["kind"] for subject in binding.inputs["subjects"]} == {"ServiceAccount"}


ISOLATION_KINDS = {
    "networkpolicies",
    "resourcequotas",
    "limitranges",
    "roles",
    "rolebindings",
    "serviceaccounts",
    "pods/exec",
}


def test_t22_a_components_deployment_cannot_change_its_own_isolation(graph: Graph) -> None:
    rules: Sequence[dict[str, Any]] = graph["delivery-deployer-role"].inputs["rules"]
    kinds = {kind for rule in rules for kind in rule["resources"]}
    assert not kinds & (ISOLATION_KINDS | {"*", "serviceaccounts/token"})


def test_t28_only_a_components_deployment_has_the_registrys_password(graph: Graph) -> None:
    holders = {
        resource.inputs["metadata"]["namespace"]
        for resource in graph.of_type("kubernetes:core/v1:Secret")
        if "config.json" in (resource.inputs.get("stringData") or {})
    }
    assert holders == {"cd-portal"}
    role = graph["delivery-portal-credentials-role"].inputs["rules"][0]
    assert (role["resourceNames"], role["verbs"]) == (["delivery"], ["get"])


def test_t25_only_drones_server_reaches_the_guard_and_the_guard_reaches_nobody(graph: Graph) -> None:
    assert not rules(graph, "delivery-guard", "egress")
    callers = [peer for rule in rules(graph, "delivery-guard", "ingress") for peer in rule["from"]]
    assert callers == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "delivery"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "drone"}},
        }
    ]


def test_the_guard_outlives_the_loss_of_a_node(graph: Graph) -> None:
    assert graph["delivery-guard-deployment"].inputs["spec"]["replicas"] == 2
    assert graph["delivery-guard-disruption-budget"].inputs["spec"]["minAvailable"] == 1


def test_a_guard_that_is_replaced_answers_until_nobody_asks_it_any_more(graph: Graph) -> None:
    assert container(graph, "delivery-guard-deployment")["lifecycle"]["preStop"] == {
        "exec": {"command": ["sleep", "5"]}
    }
    assert "strategy" not in graph["delivery-guard-deployment"].inputs["spec"], "the new one is there first"


def test_a_new_pipeline_rolls_the_guard(preview: bool) -> None:
    def fingerprint(*teams: str) -> str:
        graph = run(lambda: delivery(*teams), preview=preview)
        spec = graph["delivery-guard-deployment"].inputs["spec"]
        return str(spec["template"]["metadata"]["annotations"]["shambhala/files"])

    assert fingerprint("team-red") == fingerprint("team-red")
    assert fingerprint("team-red") != fingerprint("team-red", "team-blue")


@pytest.mark.parametrize("name", ["delivery-guard", "delivery-drone", "delivery-runner-deploy"])
def test_what_runs_for_us_has_no_rights_on_its_node(graph: Graph, name: str) -> None:
    pod = graph[f"{name}-deployment"].inputs["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    context = pod["containers"][0]["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is (name == "delivery-runner-deploy")


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
    assert {"/rpc", "/hook", "/metrics", "/varz", "/debug", "/healthz", "/version", "/api/badges"} <= leads.keys()
    exact = {path["path"] for path in rule["http"]["paths"] if path["pathType"] == "Exact"}
    assert exact == {"/api/stream", "/api/stream/"}
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


def test_no_secret_is_registered_in_the_clear(graph: Graph) -> None:
    hidden = [MASTER, PASSWORD, *(derived(MASTER, name) for name in ("drone-rpc", "drone-config", "postgres"))]
    for resource in graph.resources.values():
        for key, value in resource.inputs.items():
            if not any(secret == key or secret.startswith((f"{key}.", f"{key}[")) for secret in resource.secrets):
                assert not any(secret in repr(value) for secret in hidden), f"{resource.name}.{key}"


def written(resource: Registered) -> str:
    """A resource's inputs as text, in which one unknown value is as good as another."""
    return re.sub(r"Unknown object at \w+", "Unknown", repr(resource.inputs))


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
def test_a_runner_that_is_replaced_sees_its_builds_to_their_end_while_the_next_takes_over(
    graph: Graph, trust: Trust
) -> None:
    spec = graph[f"delivery-runner-{trust.name}-deployment"].inputs["spec"]
    # The runner, told to end, waits for its builds: drone/runner-go, poller/poller.go.
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 60 * LONGEST_BUILD_TIMEOUT_MINUTES
    assert "strategy" not in spec, "by itself Kubernetes starts the new one first"
    hard = within(graph, "ResourceQuota", "runners")[0].inputs["spec"]["hard"]
    assert int(hard["pods"]) >= 16, "some teams are added while builds of before still run"
    assert int(hard["limits.cpu"]) >= 16


def test_a_builds_time_is_enough_to_wait_for_its_pods_and_to_go_back(graph: Graph) -> None:
    steps = yaml.safe_load(graph["delivery-guard-pipelines"].inputs["data"]["component.push.yaml"])["steps"]
    deploy = "\n".join(steps[-1]["commands"])
    [waits] = re.findall(r"--atomic --timeout (\d+)m", deploy)
    [latest] = re.findall(r"DRONE_STAGE_STARTED\)\)\" -gt (\d+) ", deploy)
    assert int(latest) + 2 * 60 * int(waits) < 60 * COMPONENT_BUILD_TIMEOUT_MINUTES


def test_a_build_that_nobody_runs_any_more_is_ended_soon_after_its_time(graph: Graph) -> None:
    """Drone adds the buffer to the deadline and to the repository's own time: drone 2.28.2, service/canceler/reaper."""
    env = environment(graph, "delivery-drone-deployment")
    assert env["DRONE_CLEANUP_BUFFER"] == env["DRONE_CLEANUP_INTERVAL"] == "5m"
    assert env["DRONE_CLEANUP_DEADLINE_RUNNING"] == f"{TEAM_BUILD_TIMEOUT_MINUTES}m"


def test_adding_a_team_touches_nothing_of_the_others(preview: bool) -> None:
    before = run(lambda: delivery("team-red"), preview=preview)
    after = run(lambda: delivery("team-blue", "team-red"), preview=preview)
    changed = {name for name, old in before.resources.items() if written(after[name]) != written(old)}
    # The catalogue and the policies name every repository; their readers are rolled, each when the next one is there.
    assert changed == {
        "delivery-guard-pipelines",
        "delivery-guard-deployment",
        *(f"delivery-runner-{trust.name}-{part}" for trust in TRUSTS for part in ("policies", "deployment")),
    }
    assert all("team-blue" in name for name in set(after.resources) - set(before.resources))


def test_every_resource_has_a_component_as_its_parent_and_a_provider(graph: Graph) -> None:
    components = {component.name for component in graph.components}
    for resource in graph.resources.values():
        if resource.custom and not resource.type.startswith("pulumi:providers:"):
            assert resource.parent in components, resource.name
            assert resource.provider == "board", resource.name
    for component in graph.components:
        assert graph.outputs.get(component.name), component.name

"""What the operators look at: where logs go and who may see them, how long they stay, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from common.settings import (
    USABLE_PERCENT,
    Logs,
    Mail,
    Notify,
    ObjectStorage,
    Observability,
    Secret,
    SettingsError,
    SignIn,
    parse,
)
from common.versions import Images
from game_app.delivery.runner_policies import DENIED, TRUSTS, namespace_of
from observability import sizing
from observability.flows import LABELS, Flow, LokiOutput, MissingOutputError, check
from observability.log_pipeline import agent_configuration
from observability.loki import team_limits
from observability.metrics_catalog import METRICS
from observability.prometheus import COLLECTORS, scraping
from observability.team_rate import COMPRESSION, team_rate
from tests.support import programs
from tests.support.example import PASSWORD, spoiled
from tests.support.monitor import Graph, graph_of, run

LOKI = "observability-loki-release"
GRAFANA = "observability-grafana-release"
STORAGE = ObjectStorage.model_construct(
    endpoint="s3.fr-par.scw.cloud",
    region="fr-par",
    bucket="hunt-logs",
    access_key=Secret(programs.SECRET),
    secret_key=Secret(programs.SECRET),
)


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(programs.observability, preview)


def changed(**settings: Any) -> Observability:
    return programs.OBSERVABILITY.model_copy(update=settings)


def custom(graph: Graph, kind: str) -> dict[str, dict[str, Any]]:
    """Specs of the logging operator's objects of one kind, by their names on the board."""
    of_kind = graph.of_type(f"kubernetes:logging.banzaicloud.io/v1beta1:{kind}")
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in of_kind}


def test_what_a_team_writes_goes_to_another_tenant_than_what_the_platform_writes(graph: Graph) -> None:
    flows = custom(graph, "ClusterFlow")
    [[select]] = [flows["teams"]["match"]]
    [exclude, rest] = flows["platform"]["match"]
    assert rest == {"select": {}}
    [pattern] = select["select"]["namespaces_regex"]
    assert exclude == {"exclude": {"namespaces_regex": [pattern]}}
    teams = ["team-red", *(namespace_of(trust, "team-red") for trust in TRUSTS)]
    platform = [
        "game",
        "guard",
        "delivery",
        "my-team-red",
        DENIED,
        *(namespace_of(trust, "portal") for trust in TRUSTS),
    ]
    assert [name for name in [*teams, *platform] if re.search(pattern, name)] == teams
    assert {name: spec["globalOutputRefs"] for name, spec in flows.items()} == {
        "teams": ["teams"],
        "platform": ["platform"],
    }


def test_loki_gets_the_bounded_labels_and_no_other() -> None:
    outputs = custom(graph_of(programs.observability, False), "ClusterOutput")
    for name, spec in outputs.items():
        loki = spec["loki"]
        assert loki["tenant"] == name
        assert set(loki["labels"]) == set(LABELS) == {"namespace", "team", "component", "pod"}
        for adds_labels in ("configure_kubernetes_labels", "extract_kubernetes_labels", "include_thread_label"):
            assert loki[adds_labels] is False


def test_an_outage_of_loki_neither_drops_lines_nor_fills_a_disk() -> None:
    graph = graph_of(programs.observability, False)
    for spec in custom(graph, "ClusterOutput").values():
        buffer = spec["loki"]["buffer"]
        assert buffer["type"] == "file"
        assert buffer["retry_forever"] is True
        assert buffer["overflow_action"] == "block"
        assert buffer["total_limit_size"] == "4GB"
    fluentd = custom(graph, "Logging")["logs"]["fluentd"]
    volume = fluentd["bufferStorageVolume"]["pvc"]["spec"]["resources"]["requests"]["storage"]
    # Two buffers of 4 GB, and room beside them.
    assert volume == "10G"


def test_no_chunk_is_too_long_for_the_gateway_whatever_its_lines_hold(graph: Graph) -> None:
    """What Fluentd is told by 413 it throws away, in an outage above all, when chunks are full."""
    passes = graph[LOKI].inputs["values"]["gateway"]["nginxConfig"]["clientMaxBodySize"]
    allowed = 1024 * 1024 * int(passes.removesuffix("M"))
    mebibyte, control = 1024 * 1024, "\x1b"
    for spec in custom(graph_of(programs.observability, False), "ClusterOutput").values():
        most = int(spec["loki"]["buffer"]["chunk_limit_size"].removesuffix("MB")) * mebibyte
        pushed = json.dumps({"streams": [{"stream": {}, "values": [["0" * 19, control * most]]}]})
        # A team may send at once what a chunk holds, else Loki would refuse it for ever.
        assert most <= mebibyte * team_limits(1)["ingestion_burst_size_mb"]
        assert len(pushed) < allowed


def test_who_has_the_password_of_yesterday_waits(graph: Graph) -> None:
    """A chunk that is refused with 401 Fluentd throws away, one that is refused with 5xx it keeps."""
    snippet = graph[LOKI].inputs["values"]["gateway"]["nginxConfig"]["serverSnippet"]
    assert "error_page 401 =503 @later;" in snippet
    assert "location @later { return 503; }" in snippet


def test_the_gateway_asks_for_names_where_the_cluster_says(graph: Graph) -> None:
    """By default it asks the Service kube-dns, which nginx cannot start without, and Kapsule's is called coredns."""
    assert graph[LOKI].inputs["values"]["gateway"]["nginxConfig"]["resolver"] == "10.32.0.10"


def test_the_gateway_can_be_rolled_where_there_is_one_node(graph: Graph) -> None:
    """By default no two may be on one node, and the new one waits there for the old one to go."""
    affinity = graph[LOKI].inputs["values"]["gateway"]["affinity"]
    assert affinity == {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}


def test_nothing_relies_on_the_name_or_label_of_the_clusters_name_server() -> None:
    """Each distribution chooses its own; every container of CoreDNS is called so."""
    [found] = jobs()["coredns"]["kubernetes_sd_configs"]
    assert "selectors" not in found
    [keep] = [rule for rule in jobs()["coredns"]["relabel_configs"] if rule.get("action") == "keep"]
    asked = [each.removeprefix("__meta_kubernetes_pod_container_") for each in keep["source_labels"]]
    assert (asked, keep["regex"]) == (["name", "port_number"], "coredns;9153")


def test_the_volume_for_logs_grows_with_its_setting(graph: Graph) -> None:
    """What a StatefulSet claims cannot be changed, unless it is made anew above its pods and volumes."""
    assert graph[LOKI].inputs["values"]["singleBinary"]["statefulSetRecreateJob"] == {"enabled": True}


def test_the_agents_keep_what_they_cannot_hand_over_on_the_nodes_disk(graph: Graph) -> None:
    files = graph["observability-logs-agent"].inputs["stringData"]
    # With `On` reading stops at max_chunks_up, long before the disk's bound, and the kubelet rotates what is not read.
    assert "storage.pause_on_chunks_overlimit Off" in files["fluent-bit.conf"]
    assert "storage.total_limit_size 2G" in files["fluent-bit.conf"]
    assert "storage.type                      filesystem" in files["fluent-bit.conf"]
    assert "Retry_Limit              no_limits" in files["fluent-bit.conf"]
    agents = custom(graph, "FluentbitAgent")["logs"]
    assert agents["customConfigSecret"] == graph["observability-logs-agent"].inputs["metadata"]["name"]
    assert agents["bufferStorageVolume"]["hostPath"]["path"]
    assert agents["positiondb"]["hostPath"]["path"]


def test_the_program_waits_for_agents_and_aggregator(graph: Graph) -> None:
    job = graph["observability-logs-rollout-job"]
    pod = job.inputs["spec"]["template"]["spec"]
    waits = [" ".join(step["args"]) for step in [*pod["initContainers"], *pod["containers"]]]
    # What runs already may be ready and old: the operator says by an annotation that it has made what is wanted.
    annotation = ".metadata.annotations.shambhala/revision"
    [aggregator] = custom(graph, "Logging")["logs"]["fluentd"]["statefulsetAnnotations"].values()
    [agent] = custom(graph, "FluentbitAgent")["logs"]["daemonsetAnnotations"].values()
    assert waits == [
        "wait --for=create statefulset/logs-fluentd --timeout=300s",
        f"wait --for=jsonpath={{{annotation}}}={aggregator} statefulset/logs-fluentd --timeout=300s",
        "rollout status statefulset/logs-fluentd --timeout=300s",
        "wait --for=create daemonset/logs-fluentbit --timeout=300s",
        f"wait --for=jsonpath={{{annotation}}}={agent} daemonset/logs-fluentbit --timeout=300s",
        "rollout status daemonset/logs-fluentbit --timeout=300s",
    ]
    assert {"observability-logs-logging", "observability-logs-agents"} <= job.depends_on


def test_each_change_of_a_workload_is_waited_for_anew() -> None:
    def marks(players: int) -> tuple[str, str, str]:
        # Where a volume bounds the logs, players also change what each of them may write.
        own = changed(players=players, logs=Logs(object_storage=STORAGE))
        graph = run(lambda: programs.observability(own), preview=False)
        [aggregator] = custom(graph, "Logging")["logs"]["fluentd"]["statefulsetAnnotations"].values()
        [agent] = custom(graph, "FluentbitAgent")["logs"]["daemonsetAnnotations"].values()
        return aggregator, agent, graph["observability-logs-rollout-job"].inputs["metadata"]["name"]

    few, many = marks(100), marks(2000)
    assert few == marks(100)
    # More memory for the aggregator; what runs on each node stays as it is.
    assert few[0] != many[0]
    assert few[1] == many[1]
    assert few[2] != many[2]


def test_only_the_gateway_lets_anybody_in_to_loki(graph: Graph) -> None:
    values = graph[LOKI].inputs["values"]
    assert values["gateway"]["basicAuth"]["enabled"] is True
    assert "stringData" in {secret.partition(".")[0] for secret in graph["observability-loki-users"].secrets}
    policy = graph["observability-namespace-allow-loki-from-gateway-and-prometheus"].inputs["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "single-binary"
    allowed = [peer["podSelector"]["matchLabels"] for peer in policy["ingress"][0]["from"]]
    assert allowed == [{"app.kubernetes.io/name": "loki"}, {"app.kubernetes.io/name": "prometheus"}]


def test_logs_are_deleted_after_the_days_that_the_settings_say() -> None:
    own = changed(logs=Logs.model_construct(retention_days=3, daily_gb=1, volume_size_gb=10))
    values = run(lambda: programs.observability(own), preview=False)[LOKI].inputs["values"]
    assert values["loki"]["limits_config"]["retention_period"] == "72h"
    assert values["loki"]["compactor"]["retention_enabled"] is True
    assert values["singleBinary"]["persistence"]["size"] == "10G"
    assert values["loki"]["storage"] == {"type": "filesystem"}


def test_object_storage_takes_its_keys_from_a_secret(preview: bool) -> None:
    own = changed(logs=Logs.model_construct(retention_days=90, object_storage=STORAGE))
    graph = run(lambda: programs.observability(own), preview=preview)
    values = graph[LOKI].inputs["values"]
    assert values["loki"]["storage"]["bucketNames"] == {"chunks": "hunt-logs", "ruler": "hunt-logs"}
    assert values["loki"]["compactor"]["delete_request_store"] == "s3"
    assert programs.SECRET not in json.dumps(values)
    assert "observability-loki-object-storage" in graph[LOKI].depends_on


def named(graph: Graph) -> dict[str, str]:
    """What the pods that use a secret are told of it: the secret's resource to the name that they bear."""
    loki, grafana = graph[LOKI].inputs["values"], graph[GRAFANA].inputs["values"]
    [keys] = loki["singleBinary"]["extraEnvFrom"]
    outputs = custom(graph, "ClusterOutput").values()
    [fluentd] = {spec["loki"]["password"]["valueFrom"]["secretKeyRef"]["name"] for spec in outputs}
    return {
        "observability-loki-users": loki["gateway"]["basicAuth"]["existingSecret"],
        "observability-loki-object-storage": keys["secretRef"]["name"],
        "observability-logs-loki": fluentd,
        "observability-grafana-environment": grafana["envFromSecret"],
    }


def test_pods_start_anew_with_another_secret() -> None:
    own = changed(logs=Logs.model_construct(retention_days=90, object_storage=STORAGE))
    graph = run(lambda: programs.observability(own), preview=False)
    for resource, name in named(graph).items():
        # Another content is another object, whose name the engine makes up: nothing that is seen is made from it.
        made = graph[resource]
        assert made.inputs["immutable"] is True
        assert "name" not in made.inputs["metadata"]
        assert {secret.partition(".")[0] for secret in made.secrets} == {"stringData"}
        assert name == f"{resource}-1a2b3c4d"


def test_a_retention_that_the_volume_cannot_hold_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        parse(spoiled({"observability.logs": {"retentionDays": 30, "dailyGb": 2, "volumeSizeGb": 50}}), "dev")
    [problem] = caught.value.problems
    assert problem.key == "observability.logs.retentionDays"
    assert "at most 20 days in 80 % of 50 GB; raise volumeSizeGb or set objectStorage" in problem.allowed


def test_a_flow_that_leads_nowhere_is_refused() -> None:
    there = LokiOutput("loki", url="", tenant="all", user="", password_secret="", buffer_size="1GB")
    check([Flow("all", outputs=["loki"])], [there])
    with pytest.raises(MissingOutputError, match="flow all leads to lokki; there are: loki"):
        check([Flow("all", outputs=["lokki"])], [there])
    with pytest.raises(MissingOutputError, match="flow all leads to no output"):
        check([Flow("all", outputs=[])], [there])


def test_prometheus_never_fills_its_volume_and_asks_no_team(graph: Graph) -> None:
    values = graph["observability-prometheus-release"].inputs["values"]
    assert values["server"]["persistentVolume"]["size"] == "10G"
    # 80 % of 10 GB, in what Prometheus calls MB: 2^20 bytes.
    assert values["server"]["retentionSize"] == "7629MB"
    assert not any(job["enabled"] for job in values["scrapeConfigs"].values())
    [pods] = [job for job in values["serverFiles"]["prometheus.yml"]["scrape_configs"] if job["job_name"] == "pods"]
    drop = pods["relabel_configs"][0]
    assert (drop["source_labels"], drop["action"]) == (["__meta_kubernetes_namespace"], "drop")
    for namespace in ("team-red", *(namespace_of(trust, "team-red") for trust in TRUSTS)):
        assert re.fullmatch(drop["regex"], namespace)
    assert not re.fullmatch(drop["regex"], "game")


def test_grafana_answers_with_a_certificate_where_the_board_has_an_issuer(preview: bool) -> None:
    graph = run(lambda: programs.observability(cluster_issuer="lets-encrypt"), preview=preview)
    values = graph[GRAFANA].inputs["values"]
    own = graph["observability-grafana-certificate"].inputs["spec"]
    assert own["issuerRef"]["name"] == "lets-encrypt"
    assert (own["secretName"], own["dnsNames"]) == ("grafana-tls", ["grafana.hunt.example.org"])
    assert values["ingress"]["tls"] == [{"secretName": "grafana-tls", "hosts": ["grafana.hunt.example.org"]}]
    # Without it the ingress answers Grafana's Live and the tail of logs with 400.
    assert values["ingress"]["annotations"] == {"nginx.org/websocket-services": graph[GRAFANA].inputs["name"]}
    assert values["grafana.ini"]["server"]["root_url"] == "https://grafana.hunt.example.org/"
    assert values["grafana.ini"]["security"]["cookie_secure"] is True
    # The data sources stay as they are in the image.
    assert values["grafana.ini"]["plugins"]["preinstall_auto_update"] is False


def test_who_signs_in_at_the_provider_may_look_and_no_more(preview: bool) -> None:
    provider = SignIn.model_construct(
        client_id="grafana",
        client_secret=Secret(programs.SECRET),
        authorize_url="https://login.example.org/authorize",
        token_url="https://login.example.org/token",
        userinfo_url="https://login.example.org/userinfo",
    )
    graph = run(lambda: programs.observability(changed(sign_in=provider)), preview=preview)
    oauth = graph[GRAFANA].inputs["values"]["grafana.ini"]["auth.generic_oauth"]
    assert oauth["role_attribute_path"] == "'Viewer'"
    assert oauth["client_secret"] == "$__env{SIGN_IN_SECRET}"
    assert "stringData" in {secret.partition(".")[0] for secret in graph["observability-grafana-environment"].secrets}


def test_operators_sign_in_through_rancher_by_a_word(preview: bool) -> None:
    through = SignIn.model_construct(provider="rancher", client_id="client-7g2", client_secret=Secret(programs.SECRET))
    own = changed(sign_in=through)
    graph = run(lambda: programs.observability(own), preview=preview)
    oauth = graph[GRAFANA].inputs["values"]["grafana.ini"]["auth.generic_oauth"]
    assert {key: oauth[key] for key in ("auth_url", "token_url", "api_url")} == {
        "auth_url": "https://rancher.hunt.example.org/oidc/authorize",
        "token_url": "https://rancher.hunt.example.org/oidc/token",
        "api_url": "https://rancher.hunt.example.org/oidc/userinfo",
    }
    assert oauth["role_attribute_path"] == "'Viewer'"
    assert oauth["use_pkce"] is True


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (
            "signIn",
            {
                "clientId": "grafana",
                "clientSecret": PASSWORD,
                "authorizeUrl": "https://login.example.org/a",
                "tokenUrl": "https://login.example.org/t",
            },
            "observability.signIn.userinfoUrl",
        ),
        ("notify", {}, "observability.notify.webhookUrl"),
        ("logs", {"replicas": 3}, "observability.logs.replicas"),
        ("stuckAfterMinutes", 0, "observability.stuckAfterMinutes"),
    ],
)
def test_what_does_not_fit_together_is_refused(key: str, value: Any, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(spoiled({f"observability.{key}": value}), "dev")
    assert [each.key for each in caught.value.problems] == [problem]


def test_rancher_has_addresses_of_its_own() -> None:
    given = {
        "clientId": "grafana",
        "clientSecret": PASSWORD,
        "provider": "rancher",
        "tokenUrl": "https://login.example.org/t",
    }
    with pytest.raises(SettingsError) as caught:
        parse(spoiled({"observability.signIn": given}), "dev")
    assert "observability.signIn.tokenUrl" in [each.key for each in caught.value.problems]


def test_nobody_signs_in_through_a_rancher_that_is_not_there() -> None:
    given = {"clientId": "grafana", "clientSecret": PASSWORD, "provider": "rancher"}
    with pytest.raises(SettingsError) as caught:
        parse(spoiled({"observability.signIn": given, "rancher.enabled": False}), "dev")
    assert "observability.signIn.provider" in [each.key for each in caught.value.problems]


NOTIFY = Notify.model_construct(
    webhook_url=Secret("https://hooks.example.org/services/" + programs.SECRET),
    mail=Mail.model_construct(
        to="operators@example.org",
        sender="hunt@example.org",
        server="smtp.example.org:587",
        user="hunt@example.org",
        password=Secret(programs.SECRET),
    ),
)


def test_its_own_pods_run_what_the_settings_say(preview: bool) -> None:
    own = Images(kubectl="mirror.example.org/kubectl:v1.36.3", alertmanager="mirror.example.org/alertmanager:v0.28.1")
    graph = run(lambda: programs.observability(changed(notify=NOTIFY), images=own), preview=preview)

    def images(resource: str) -> set[str]:
        spec = graph[resource].inputs["spec"]["template"]["spec"]
        return {each["image"] for each in [*spec.get("initContainers", []), *spec["containers"]]}

    assert images("observability-alertmanager-deployment") == {own.alertmanager}
    assert images("observability-logs-rollout-job") == {own.kubectl}


def test_alerts_wake_people_where_the_settings_say_whom(preview: bool) -> None:
    graph = run(lambda: programs.observability(changed(notify=NOTIFY)), preview=preview)
    written = json.loads(graph["observability-alertmanager-configuration"].inputs["data"]["alertmanager.yml"])
    [receiver] = written["receivers"]
    assert receiver["webhook_configs"][0]["url_file"] == "/etc/alertmanager-secrets/webhook-url"
    assert receiver["email_configs"][0]["auth_password_file"] == "/etc/alertmanager-secrets/mail-password"
    assert receiver["email_configs"][0]["to"] == "operators@example.org"
    assert written["route"]["receiver"] == receiver["name"]
    secrets = graph["observability-alertmanager-secrets"]
    assert set(secrets.inputs["stringData"]) == {"webhook-url", "mail-password"}
    assert "stringData" in {secret.partition(".")[0] for secret in secrets.secrets}
    assert programs.SECRET not in json.dumps(written)
    policy = graph["observability-namespace-allow-alerts"].inputs["spec"]
    [peer] = policy["ingress"][0]["from"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}


def test_prometheus_tells_alertmanager() -> None:
    graph = run(lambda: programs.observability(changed(notify=NOTIFY)), preview=False)
    written = graph["observability-prometheus-release"].inputs["values"]["serverFiles"]["prometheus.yml"]
    assert written["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]


def test_alerts_are_only_shown_by_default(graph: Graph) -> None:
    assert "alerting" not in graph["observability-prometheus-release"].inputs["values"]["serverFiles"]["prometheus.yml"]
    assert not graph.of_type("kubernetes:apps/v1:Deployment")


def test_the_settings_say_when_a_team_is_stuck() -> None:
    graph = run(lambda: programs.observability(changed(stuck_after_minutes=20)), preview=False)
    rules = graph["observability-prometheus-release"].inputs["values"]["serverFiles"]["alerting_rules.yml"]
    assert {"record": "hunt_stuck_after_minutes", "expr": "20"} in rules["groups"][0]["rules"]


def test_several_lokis_share_the_storage_and_keep_three_copies() -> None:
    own = changed(logs=Logs.model_construct(replicas=3, object_storage=STORAGE))
    values = run(lambda: programs.observability(own), preview=False)[LOKI].inputs["values"]
    assert values["singleBinary"]["replicas"] == 3
    assert values["loki"]["commonConfig"]["replication_factor"] == 3
    with pytest.raises(SettingsError) as caught:
        parse(spoiled({"observability.logs": {"replicas": 2}}), "dev")
    assert "must be 1, or at least 3, of which one may fail" in [each.allowed for each in caught.value.problems]


def test_nobody_signs_in_but_admin_by_default(graph: Graph) -> None:
    ini = graph[GRAFANA].inputs["values"]["grafana.ini"]
    assert "auth.generic_oauth" not in ini
    assert ini["auth.anonymous"] == {"enabled": False}
    assert ini["users"]["allow_sign_up"] is False


def in_namespace(graph: Graph, type_: str, namespace: str) -> list[Mapping[str, Any]]:
    return [each.inputs for each in graph.of_type(type_) if each.inputs["metadata"].get("namespace") == namespace]


@pytest.mark.parametrize("namespace", ["observability", "logging"])
def test_its_namespaces_are_closed_and_give_no_token(graph: Graph, namespace: str) -> None:
    policies = in_namespace(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy", namespace)
    [closed] = [each["spec"] for each in policies if each["metadata"]["name"] == "default-deny"]
    assert closed["podSelector"] == {}
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert not closed.get("ingress")
    assert not closed.get("egress")
    [account] = in_namespace(graph, "kubernetes:core/v1:ServiceAccountPatch", namespace)
    assert account["metadata"]["name"] == "default"
    assert account["automountServiceAccountToken"] is False


def mebibytes(quantity: str) -> int:
    return int(quantity.removesuffix("Mi"))


@pytest.mark.parametrize("players", [1, 100, 2000])
def test_a_quota_has_room_for_every_part_twice_and_no_container_without_a_bound(players: int) -> None:
    several = Logs.model_construct(replicas=3, object_storage=STORAGE)
    own = changed(players=players, notify=NOTIFY, logs=several)
    graph = run(lambda: programs.observability(own), preview=False)
    parts = {
        "observability": {"loki": 3}
        | dict.fromkeys(("prometheus", "loki-gateway", "grafana", "kube-state-metrics", "alertmanager"), 1),
        "logging": {"fluentd": 1, "logging-operator": 1, "fluent-bit": 10},
    }
    assert set(sizing.PARTS) == {part for pods in parts.values() for part in pods}
    for namespace, pods in parts.items():
        [quota] = in_namespace(graph, "kubernetes:core/v1:ResourceQuota", namespace)
        [limits] = in_namespace(graph, "kubernetes:core/v1:LimitRange", namespace)
        hard, [container] = quota["spec"]["hard"], limits["spec"]["limits"]
        asked = {part: mebibytes(sizing.resources(part, players)["limits"]["memory"]) for part in pods}
        assert mebibytes(hard["limits.memory"]) >= 2 * sum(asked[part] * many for part, many in pods.items())
        assert int(hard["pods"]) >= 2 * sum(pods.values())
        assert mebibytes(container["max"]["memory"]) >= max(asked.values())
        assert container["default"] == container["max"]
        # What each pod has beside its part gets the CPU of one that names none.
        assert int(hard["limits.cpu"]) >= int(container["default"]["cpu"]) * 2 * sum(pods.values())
    claims = {"observability": "5", "logging": "1"}
    for namespace, most in claims.items():
        [quota] = in_namespace(graph, "kubernetes:core/v1:ResourceQuota", namespace)
        assert quota["spec"]["hard"]["persistentvolumeclaims"] == most


def test_operators_sign_in_at_whatever_port_the_provider_has() -> None:
    provider = SignIn.model_construct(
        client_id="grafana",
        client_secret=Secret(programs.SECRET),
        authorize_url="https://login.example.org/authorize",
        token_url="https://login.example.org:8443/token",
        userinfo_url="https://login.example.org/userinfo",
    )
    graph = run(lambda: programs.observability(changed(sign_in=provider)), preview=False)
    [rule] = graph["observability-namespace-allow-sign-in"].inputs["spec"]["egress"]
    assert [port["port"] for port in rule["ports"]] == [443, 8443]


def test_twenty_teams_of_five_need_no_more_than_four_gibibytes() -> None:
    assert sizing.total(players=100, nodes=3) <= 4096


def test_the_documented_table_is_what_the_rule_says() -> None:
    text = (Path(__file__).parents[2] / "docs" / "observability.md").read_text().partition("<!-- sizing -->\n")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.partition("\n\n")[0].splitlines()[2:]
    ]
    *parts, together = rows
    players = (100, 235, 2000)
    assert [[row[0].partition(",")[0], *map(int, row[1:])] for row in parts] == [
        [name, part.base, part.per_hundred_players, *map(part.request, players)] for name, part in sizing.PARTS.items()
    ]
    nodes = (3, 5, 20)
    assert [int(cell) for cell in together[3:]] == [
        sizing.total(many, on) for many, on in zip(players, nodes, strict=True)
    ]


def test_every_part_asks_for_the_memory_that_the_rule_says() -> None:
    graph = run(lambda: programs.observability(changed(notify=NOTIFY)), preview=False)
    [alertmanager] = graph["observability-alertmanager-deployment"].inputs["spec"]["template"]["spec"]["containers"]

    def requested(resources: dict[str, Any]) -> str:
        return resources["requests"]["memory"]

    loki, prometheus = (graph[name].inputs["values"] for name in (LOKI, "observability-prometheus-release"))
    asked = {
        "alertmanager": requested(alertmanager["resources"]),
        "loki": requested(loki["singleBinary"]["resources"]),
        "loki-gateway": requested(loki["gateway"]["resources"]),
        "prometheus": requested(prometheus["server"]["resources"]),
        "kube-state-metrics": requested(prometheus["kube-state-metrics"]["resources"]),
        "grafana": requested(graph[GRAFANA].inputs["values"]["resources"]),
        "logging-operator": requested(graph["observability-logs-operator"].inputs["values"]["resources"]),
        "fluentd": requested(custom(graph, "Logging")["logs"]["fluentd"]["resources"]),
        "fluent-bit": requested(custom(graph, "FluentbitAgent")["logs"]["resources"]),
    }
    assert asked == {part: f"{memory.request(100)}Mi" for part, memory in sizing.PARTS.items()}


@pytest.mark.parametrize(("daily", "players", "nodes"), [(1, 100, 3), (8, 235, 5), (1, 2000, 20)])
def test_what_all_teams_write_for_the_whole_retention_fits_the_volume(daily: int, players: int, nodes: int) -> None:
    logs = Logs(daily_gb=daily, volume_size_gb=20, retention_days=20 * USABLE_PERCENT // 100 // daily)
    own = programs.OBSERVABILITY.model_copy(update={"logs": logs, "players": players})
    rate = team_rate(own, nodes)
    assert rate is not None
    stored = rate * nodes * (players // 5) * 86_400 * logs.retention_days / COMPRESSION
    # The platform's own lines have the other half.
    assert 0.4 < stored / (logs.volume_size_gb * 10**9 * USABLE_PERCENT / 100) <= 0.5


def test_the_agents_hold_the_teams_to_that_rate_unless_object_storage_has_no_bound() -> None:
    assert team_rate(programs.OBSERVABILITY, 3) == 385.8
    assert "TEAM_BYTES_PER_SECOND = 385.8\n" in agent_configuration(385.8)["record.lua"]
    logs = programs.OBSERVABILITY.logs.model_copy(update={"object_storage": STORAGE})
    assert team_rate(programs.OBSERVABILITY.model_copy(update={"logs": logs}), 3) is None
    assert "TEAM_BYTES_PER_SECOND =" not in agent_configuration()["record.lua"]


def jobs() -> dict[str, Any]:
    return {job["job_name"]: job for job in scraping([])["scrape_configs"]}


@pytest.mark.parametrize(
    ("source", "job"),
    [("kubelet", "kubelet"), ("kubelet", "cadvisor"), ("CoreDNS", "coredns"), ("Loki", "loki")],
)
def test_prometheus_keeps_what_is_asked_for(source: str, job: str) -> None:
    """A job that keeps some metrics only, keeps those that dashboards and alerts ask for."""
    asked = [name for name, metric in METRICS.items() if metric.source == source]
    if source == "kubelet":
        asked = [name for name in asked if name.startswith("kubelet_") == (job == "kubelet")]
    [keeps] = [rule["regex"] for rule in jobs()[job]["metric_relabel_configs"] if rule.get("action") == "keep"]
    assert asked
    assert [name for name in asked if not re.fullmatch(keeps, name)] == []


@pytest.mark.parametrize("job", ["kubelet", "cadvisor"])
def test_the_kubelets_are_asked_themselves(job: str) -> None:
    """The right to the API server's way to them, nodes/proxy, the chart's role has no more: it would answer 403."""
    asked = jobs()[job]
    assert asked["kubernetes_sd_configs"] == [{"role": "node"}]
    assert not [rule for rule in asked["relabel_configs"] if rule["target_label"].startswith("__")]
    assert asked.get("metrics_path", "/metrics") == {"kubelet": "/metrics", "cadvisor": "/metrics/cadvisor"}[job]
    assert asked["scheme"] == "https"
    assert asked["authorization"]["credentials_file"].endswith("/serviceaccount/token")


def test_each_loki_is_asked_by_itself() -> None:
    asked = jobs()["loki"]
    assert "static_configs" not in asked
    [found] = asked["kubernetes_sd_configs"]
    assert found["role"] == "pod"
    assert found["namespaces"] == {"own_namespace": True}
    assert found["selectors"] == [
        {"role": "pod", "label": "app.kubernetes.io/name=loki,app.kubernetes.io/component=single-binary"}
    ]


@pytest.mark.parametrize("job", ["kube-state-metrics", "cadvisor"])
def test_the_numbers_of_a_teams_builds_are_the_teams(job: str) -> None:
    [rule] = [rule for rule in jobs()[job]["metric_relabel_configs"] if rule.get("target_label") == "team"]
    for namespace in ("team-red", *(namespace_of(trust, "team-red") for trust in TRUSTS)):
        found = re.fullmatch(rule["regex"], namespace)
        assert found
        assert found[1] == "red"
    assert not re.fullmatch(rule["regex"], namespace_of(TRUSTS[0], "portal"))


def test_kube_state_metrics_tells_of_every_kind_that_is_asked_for() -> None:
    asked = {name.split("_")[1] for name, metric in METRICS.items() if metric.source == "kube-state-metrics"}
    assert {f"{kind}s" for kind in asked} <= set(COLLECTORS)


@pytest.mark.parametrize("program", [programs.game_app, programs.game_app_with_delivery])
def test_a_pod_that_can_be_asked_lets_prometheus_in(program: Callable[[], object]) -> None:
    graph = run(program, preview=False)
    policies = [each.inputs for each in graph.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")]
    asked = 0
    for deployment in graph.of_type("kubernetes:apps/v1:Deployment"):
        inputs = deployment.inputs
        annotations: dict[str, str] = inputs["spec"]["template"]["metadata"].get("annotations") or {}
        if annotations.get("prometheus.io/scrape") != "true":
            continue
        asked += 1
        port, namespace = int(annotations["prometheus.io/port"]), inputs["metadata"]["namespace"]
        rules = [
            rule
            for policy in policies
            if policy["metadata"]["namespace"] == namespace
            for rule in policy["spec"].get("ingress", [])
        ]
        assert any(lets_prometheus_in(rule, port) for rule in rules), inputs["metadata"]["name"]
    assert asked


def lets_prometheus_in(rule: Mapping[str, Any], port: int) -> bool:
    names = [
        peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
        for peer in rule.get("from", [])
    ]
    return "observability" in names and port in [each["port"] for each in rule.get("ports", [{"port": port}])]


def test_the_board_shows_its_ingress_and_certificates_to_prometheus() -> None:
    graph = run(programs.board, preview=False)
    values = graph["blue-ingress-controller"].inputs["values"]
    assert values["controller"]["enableLatencyMetrics"] is True
    rules = [
        (policy.inputs["metadata"]["namespace"], rule)
        for policy in graph.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        for rule in policy.inputs["spec"].get("ingress", [])
    ]
    ports = {"ingress": values["prometheus"]["port"], "cert-manager": 9402}
    for namespace, port in ports.items():
        assert any(lets_prometheus_in(rule, port) for place, rule in rules if place == namespace), namespace

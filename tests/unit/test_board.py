"""A board, as the engine gets it."""

from __future__ import annotations

import base64
import re
from functools import partial

import pytest

from board.cert_manager import acme_servers, default_issuer
from board.nginx_ingress import CONNECTIONS_OF_A_CLIENT
from common.settings import parse
from tests.support import programs
from tests.support.example import CERTIFICATE, MISSING, complete, spoiled
from tests.support.monitor import Graph, graph_of, run

CLOSED: dict[str, object] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(programs.board, preview)


def test_a_minor_version_comes_with_the_patch_upgrades_that_scaleway_demands(graph: Graph) -> None:
    cluster = graph["blue-kapsule-cluster"].inputs
    assert cluster["version"] == "1.36"
    assert cluster["autoUpgrade"]["enable"] is True
    assert cluster["deleteAdditionalResources"] is True


def test_the_cluster_lies_in_a_private_network_of_the_platforms_vpc(graph: Graph) -> None:
    assert graph["blue-kapsule-private"].inputs["vpcId"] == "fr-par/vpc"
    assert "blue-kapsule-private" in graph["blue-kapsule-cluster"].depends_on


def test_objects_are_placed_only_once_a_pool_is_ready(graph: Graph) -> None:
    assert graph["blue-kapsule-main"].inputs["waitForPoolReady"] is True
    assert "blue-kapsule-main" in graph["blue-kapsule-provider"].depends_on


def test_a_pool_that_is_never_ready_is_given_up_after_the_time_that_the_settings_say(graph: Graph) -> None:
    assert graph["blue-kapsule-main"].options.customTimeouts.create == "1200s"


def test_the_kubeconfig_is_a_secret(graph: Graph) -> None:
    assert "kubeconfig" in graph["blue-kapsule-provider"].secrets


def test_a_fixed_pool_keeps_its_size_and_an_autoscaled_one_may_change_it(preview: bool) -> None:
    fixed = graph_of(programs.board, preview)["blue-kapsule-main"]
    autoscaled: dict[str, object] = {"boards.blue.pools.main.autoscaling": True}
    scaled = run(partial(programs.board, autoscaled), preview=preview)["blue-kapsule-main"]
    assert list(fixed.options.ignoreChanges) == []
    assert list(scaled.options.ignoreChanges) == ["size"]


def test_the_api_is_restricted_when_networks_are_named(preview: bool) -> None:
    graph = run(partial(programs.board, {"boards.blue.apiCidrs": ["198.51.100.0/24"]}), preview=preview)
    assert graph["blue-kapsule-api-access"].inputs["aclRules"] == [{"ip": "198.51.100.0/24"}]


def test_the_ingress_controller_is_served_at_the_reserved_address() -> None:
    graph = graph_of(programs.board, False)
    service = graph["blue-ingress-controller"].inputs["values"]["controller"]["service"]
    # Scaleway's cloud controller wants the bare id, the provider's has the zone before it.
    assert service["annotations"]["service.beta.kubernetes.io/scw-loadbalancer-ip-ids"] == "blue-ingress-ip"
    # Its default is the region's first zone, where an address of the second is not found.
    assert service["annotations"]["service.beta.kubernetes.io/scw-loadbalancer-zone"] == "fr-par-2"


def test_a_chart_from_an_oci_registry_is_named_in_full(graph: Graph) -> None:
    release = graph["blue-ingress-controller"].inputs
    assert release["chart"] == "oci://ghcr.io/nginx/charts/nginx-ingress"
    assert "repositoryOpts" not in release


def test_the_proxy_protocol_is_spoken_at_both_ends_or_every_request_fails(graph: Graph) -> None:
    controller = graph["blue-ingress-controller"].inputs["values"]["controller"]
    annotations = controller["service"]["annotations"]
    assert annotations["service.beta.kubernetes.io/scw-loadbalancer-proxy-protocol-v2"] == "*"
    entries = controller["config"]["entries"]
    assert (entries["proxy-protocol"], entries["real-ip-header"]) == ("True", "proxy_protocol")


def test_what_is_uploaded_does_not_fill_a_node(graph: Graph) -> None:
    """nginx keeps bodies in files without names, which count for no limit of the pod's storage."""
    entries = graph["blue-ingress-controller"].inputs["values"]["controller"]["config"]["entries"]
    assert entries["client-max-body-size"] == "1m"
    snippets = entries["http-snippets"]
    limits = dict(re.findall(r"^limit_conn (\w+) (\d+);$", snippets, re.MULTILINE))
    keys = {zone: key for key, zone in re.findall(r"^limit_conn_zone (\S+) zone=(\w+):\d+m;$", snippets, re.MULTILINE)}
    assert keys == {"large_uploads": "$large_upload", "clients": "$binary_remote_addr"}
    assert limits.keys() == keys.keys()
    # All that may be large at once has room beside everything else on a node with the smallest disk, 20 GB.
    assert 64 * int(limits["large_uploads"]) <= 2048


@pytest.mark.parametrize(
    ("asked", "large"),
    [("", False), ("999999", False), ("1000000", True), ("67108864", True), ("chunked", True), ("chunked1", True)],
)
def test_an_upload_counts_as_large_that_may_have_a_megabyte(graph: Graph, asked: str, large: bool) -> None:
    entries = graph["blue-ingress-controller"].inputs["values"]["controller"]["config"]["entries"]
    ways = re.findall(r'^    "~(.+)" "(.*)";$', entries["http-snippets"], re.MULTILINE)
    found = next((value for pattern, value in ways if re.search(pattern, asked)), "")
    assert (found == "large") is large


def test_requests_that_wait_for_long_leave_nginx_room_for_everybody(graph: Graph) -> None:
    """By default three companies' were enough for the fourth to be turned away."""
    entries = graph["blue-ingress-controller"].inputs["values"]["controller"]["config"]["entries"]
    connections = int(entries["worker-connections"])
    # Each request has a connection to the pod beside its own.
    assert connections >= 10 * 2 * CONNECTIONS_OF_A_CLIENT
    assert int(entries["worker-rlimit-nofile"]) > connections


def test_only_load_balancers_are_believed_when_they_tell_a_players_address(graph: Graph) -> None:
    entries = graph["blue-ingress-controller"].inputs["values"]["controller"]["config"]["entries"]
    assert entries["set-real-ip-from"] == "10.21.0.0/22,100.64.0.0/10"


def test_no_pod_can_tell_the_ingress_controller_a_players_address(graph: Graph) -> None:
    [allowed] = graph["blue-ingress-namespace-allow-public-ingress"].inputs["spec"]["ingress"]
    assert [peer["ipBlock"]["except"] for peer in allowed["from"]] == [["169.254.0.0/16", "100.64.0.0/15"]]


def test_the_api_server_reaches_webhooks_from_wherever_the_provider_has_it_call(preview: bool) -> None:
    graph = graph_of(programs.managed_board, preview)
    for policy in ("blue-cert-manager-namespace-allow-apiserver-ingress", "blue-rancher-allow-apiserver-ingress"):
        # Cilium finds a node in no network: with any source named, the one node that calls could be left out.
        assert all(rule.keys() == {"ports"} for rule in graph[policy].inputs["spec"]["ingress"])


def test_the_ingress_controller_serves_when_one_node_goes(graph: Graph) -> None:
    controller = graph["blue-ingress-controller"].inputs["values"]["controller"]
    assert controller["replicaCount"] > controller["podDisruptionBudget"]["maxUnavailable"]
    assert [spread["topologyKey"] for spread in controller["topologySpreadConstraints"]] == ["kubernetes.io/hostname"]
    assert controller["resources"]["limits"].keys() == controller["resources"]["requests"].keys()


def test_prometheus_may_scrape_the_ingress_controller(graph: Graph) -> None:
    values = graph["blue-ingress-controller"].inputs["values"]
    assert values["prometheus"]["create"] is True
    assert values["controller"]["enableLatencyMetrics"] is True
    [allowed] = graph["blue-ingress-namespace-allow-prometheus-scrape"].inputs["spec"]["ingress"]
    assert allowed["ports"] == [{"protocol": "TCP", "port": values["prometheus"]["port"]}]
    assert "observability" in repr(allowed["from"])


def test_a_boards_own_namespaces_are_closed_but_for_exceptions_that_have_a_name(graph: Graph) -> None:
    policies = graph.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    for namespace in graph.of_type("kubernetes:core/v1:Namespace"):
        called = namespace.inputs["metadata"]["name"]
        assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        if called is None:
            continue
        inside = {
            policy.inputs["metadata"]["name"]: policy.inputs["spec"]
            for policy in policies
            if policy.inputs["metadata"]["namespace"] == called
        }
        assert inside.pop("default-deny") == CLOSED
        for name, spec in inside.items():
            assert spec["policyTypes"] == [kind for kind in ("Ingress", "Egress") if spec[kind.lower()]], name


def test_every_namespace_of_a_board_has_a_quota_and_gives_no_token_to_who_does_not_ask(graph: Graph) -> None:
    for part, called in (("ingress", "ingress"), ("cert-manager", "cert-manager")):
        quota = graph[f"blue-{part}-namespace-quota"].inputs
        assert quota["spec"]["hard"]["services.loadbalancers"] == ("1" if part == "ingress" else "0")
        assert graph[f"blue-{part}-namespace-quota"].provider == "blue-kapsule-provider"
        [limits] = graph[f"blue-{part}-namespace-limits"].inputs["spec"]["limits"]
        assert limits["default"] == limits["max"]
        token = graph[f"blue-{part}-namespace-no-default-token"]
        assert token.inputs["automountServiceAccountToken"] is False
        assert token.inputs["metadata"]["name"] == "default"
        assert quota["metadata"]["namespace"] in {None, called}


def test_ingress_and_certificates_stay_when_nodes_are_full(preview: bool) -> None:
    graph = run(programs.board, preview=preview)
    assert graph["blue-priority-class-platform"].inputs["value"] > 0
    for release in ("blue-ingress-controller", "blue-cert-manager-release"):
        assert "blue-priority-class-platform" in graph[release].depends_on
    if not preview:
        assert graph["blue-ingress-controller"].inputs["values"]["controller"]["priorityClassName"] == "platform"
        assert graph["blue-cert-manager-release"].inputs["values"]["global"]["priorityClassName"] == "platform"


def test_nothing_on_a_board_is_let_to_the_metadata_service(graph: Graph) -> None:
    for policy in graph.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy"):
        for rule in policy.inputs["spec"]["egress"]:
            # The API server's own addresses are not known before the board is.
            for peer in rule["to"] if isinstance(rule["to"], list) else ():
                block = peer.get("ipBlock", {"cidr": "", "except": []})
                assert block["cidr"] != "0.0.0.0/0" or block["except"] == ["169.254.0.0/16"], policy.name


def test_the_issuer_proves_names_at_the_game_master_with_the_boards_own_key(preview: bool) -> None:
    graph = graph_of(programs.board, preview)
    acme = graph["blue-cert-manager-issuer-own"].inputs["spec"]["acme"]
    assert acme["server"] == "https://acme.example:8443/directory"
    assert acme["email"] == "operators@example.org"
    [solver] = acme["solvers"]
    assert solver["dns01"]["cnameStrategy"] == "Follow"
    update = solver["dns01"]["rfc2136"]
    assert update["nameserver"] == "192.0.2.10:53"
    assert (update["tsigKeyName"], update["tsigAlgorithm"]) == ("blue.hunt.example.org", "HMACSHA256")
    key = graph["blue-cert-manager-dns-key"]
    assert key.inputs["stringData"][update["tsigSecretSecretRef"]["key"]] == programs.SECRET
    assert any(secret.startswith("stringData") for secret in key.secrets)


def test_a_private_authority_is_trusted_by_its_own_certificate_and_let_through_at_its_port(graph: Graph) -> None:
    acme = graph["blue-cert-manager-issuer-own"].inputs["spec"]["acme"]
    assert base64.b64decode(acme["caBundle"]).decode() == CERTIFICATE
    [rule] = graph["blue-cert-manager-namespace-allow-acme"].inputs["spec"]["egress"]
    assert [each["port"] for each in rule["ports"]] == [443, 8443]


def test_the_authority_for_trials_and_the_real_one_stand_side_by_side_each_with_an_account_of_its_own() -> None:
    def issuers(**changes: object) -> tuple[set[str], str]:
        settings = parse(spoiled({**changes}), "dev")
        return set(acme_servers(settings)), default_issuer(settings)

    lets_encrypt = {"letsencrypt-production", "letsencrypt-staging"}
    assert issuers() == ({*lets_encrypt, "own"}, "own")
    real: dict[str, object] = {"sources.acmeDirectory": MISSING, "certificates.authority": "production"}
    assert issuers(**real) == (lets_encrypt, "letsencrypt-production")
    made = run(programs.board, preview=False).of_type("kubernetes:cert-manager.io/v1:ClusterIssuer")
    accounts = {issuer.inputs["spec"]["acme"]["privateKeySecretRef"]["name"] for issuer in made}
    assert len(accounts) == len(made) == 3


def test_an_issuer_is_made_only_once_cert_manager_answers(graph: Graph) -> None:
    assert "blue-cert-manager-release" in graph["blue-cert-manager-issuer-own"].depends_on
    values = graph["blue-cert-manager-release"].inputs["values"]
    assert values["crds"]["enabled"] is True
    assert values["startupapicheck"]["enabled"] is True


def test_challenges_are_looked_up_where_they_are_written(graph: Graph) -> None:
    values = graph["blue-cert-manager-release"].inputs["values"]
    assert values["dns01RecursiveNameservers"] == "192.0.2.10:53"
    assert values["dns01RecursiveNameserversOnly"] is True
    [rule] = graph["blue-cert-manager-namespace-allow-dns-challenges"].inputs["spec"]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "192.0.2.10/32"}}]
    assert {port["protocol"] for port in rule["ports"]} == {"TCP", "UDP"}


def test_a_wildcard_serves_every_host_of_the_board_so_that_no_name_is_told(preview: bool) -> None:
    graph = graph_of(programs.board, preview)
    certificate = graph["blue-ingress-wildcard"]
    assert certificate.inputs["spec"]["dnsNames"] == ["*.blue.hunt.example.org"]
    assert "blue-cert-manager-issuer-own" in certificate.depends_on
    controller = graph["blue-ingress-controller"]
    assert "blue-cert-manager-issuer-own" in controller.depends_on
    if not preview:
        secret = f"ingress/{certificate.inputs['spec']['secretName']}"
        assert controller.inputs["values"]["controller"]["wildcardTLS"] == {"secret": secret}
        assert controller.inputs["values"]["controller"]["defaultTLS"] == {"secret": secret}


def test_the_ingress_controller_starts_while_the_certificate_is_signed(graph: Graph) -> None:
    wildcard = graph["blue-ingress-wildcard"]
    # The controller does not start without its Secret; this gives it one at once.
    assert wildcard.inputs["metadata"]["annotations"] == {
        "cert-manager.io/issue-temporary-certificate": "true",
        "pulumi.com/waitFor": "condition=Ready",
    }
    assert "blue-ingress-wildcard" not in graph["blue-ingress-controller"].depends_on


def test_a_board_without_an_authority_has_cert_manager_and_no_issuer(preview: bool) -> None:
    issuers: list[object] = []
    plain: dict[str, object] = {"certificates.authority": "none", "rancher.enabled": False}
    graph = run(lambda: issuers.append(programs.board(plain).cluster_issuer), preview=preview)
    assert issuers == [None]
    assert "blue-cert-manager-release" in graph.resources
    assert graph.of_type("kubernetes:cert-manager.io/v1:ClusterIssuer") == []
    assert graph.of_type("kubernetes:cert-manager.io/v1:Certificate") == []
    controller = graph["blue-ingress-controller"].inputs["values"]["controller"]
    assert controller.keys().isdisjoint({"defaultTLS", "wildcardTLS"})


def test_a_destroy_frees_the_load_balancer_and_leaves_the_rest_to_the_clusters_own_end(graph: Graph) -> None:
    assert graph["blue-ingress-controller"].deleted_with == ""
    assert graph["blue-cert-manager"].deleted_with == "blue-kapsule-cluster"


def test_a_cluster_is_replaced_or_removed_only_where_it_was_said(preview: bool) -> None:
    for protect in (True, False):
        graph = run(partial(programs.board, {"boards.blue.allowReplacement": not protect}), preview=preview)
        assert graph["blue-kapsule-cluster"].protect is protect


def test_a_pool_that_replaces_another_is_ready_before_the_other_one_goes(preview: bool) -> None:
    """Two pools of a cluster cannot have one name."""
    before, resized, after = (
        run(partial(programs.board, changes), preview=preview)["blue-kapsule-main"]
        for changes in ({}, {"boards.blue.pools.main.size": 3}, {"boards.blue.pools.main.nodeType": "PRO2-XS"})
    )
    assert before.inputs["name"].startswith("main-")
    assert before.inputs["name"] == resized.inputs["name"] != after.inputs["name"]
    assert (after.options.deleteBeforeReplaceDefined, after.options.deleteBeforeReplace) == (True, False)
    assert after.inputs["waitForPoolReady"] is True


@pytest.mark.parametrize(
    ("pool", "minutes"),
    [({"size": 2, "maxSize": 30}, 27), ({"size": 30, "maxSize": 30}, 195), ({"autoscaling": True, "maxSize": 30}, 195)],
)
def test_an_upgrade_may_take_the_longer_the_more_nodes_there_are(
    pool: dict[str, object], minutes: int, preview: bool
) -> None:
    changes: dict[str, object] = {"boards.blue.pools": {"main": {"nodeType": "PRO2-XXS", "size": 2, **pool}}}
    graph = run(partial(programs.board, changes), preview=preview)
    assert graph["blue-kapsule-cluster"].options.customTimeouts.update == f"{minutes}m"


def test_a_new_cluster_serves_at_an_address_of_its_own_before_the_old_one_goes(graph: Graph) -> None:
    """The engine cannot delete first what a provider leads to, and an address has one load balancer."""
    cluster = graph["blue-kapsule-cluster"].options
    assert (cluster.deleteBeforeReplaceDefined, cluster.deleteBeforeReplace) == (True, False)
    reserved_ip = graph["blue-ingress-ip"].options
    assert [urn.rpartition("::")[2] for urn in reserved_ip.replace_with] == ["blue-kapsule-cluster"]


def test_where_teams_play_every_boards_api_answers_the_players_too_and_nobody_twice(preview: bool) -> None:
    def cidrs(changes: dict[str, object]) -> list[str]:
        graph = run(partial(programs.board, changes), preview=preview)
        return [rule["ip"] for rule in graph["blue-kapsule-api-access"].inputs["aclRules"]]

    teams = complete()["teams"]
    played = {"teams": teams, "delivery": complete()["delivery"]}
    assert cidrs(played) == ["203.0.113.0/24", "198.51.100.0/24"]
    assert cidrs({}) == ["203.0.113.0/24"]
    assert cidrs({**played, "players": {}}) == ["203.0.113.0/24"]


def test_nodes_without_an_address_of_their_own_have_a_way_out_before_they_are_made(preview: bool) -> None:
    graph = run(partial(programs.board, programs.BEHIND_A_GATEWAY), preview=preview)
    assert graph["blue-kapsule-main"].inputs["publicIpDisabled"] is True
    assert "blue-kapsule-gateway-network" in graph["blue-kapsule-main"].depends_on
    gateway = graph["blue-kapsule-gateway-network"]
    assert gateway.inputs["ipamConfigs"] == [{"pushDefaultRoute": True}]
    assert "blue-kapsule-private" in gateway.depends_on


def test_nobody_pays_for_a_gateway_that_no_node_needs(graph: Graph) -> None:
    assert "blue-kapsule-gateway" not in graph.resources
    assert graph["blue-kapsule-main"].inputs["publicIpDisabled"] is False

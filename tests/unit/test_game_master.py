"""The game master, as the engine gets it."""

from __future__ import annotations

import datetime
import itertools
import json
import re
from functools import partial

import pytest
import yaml

from common.network_policies import PRIVATE_NETWORKS
from common.settings.credentials import Password
from common.settings.schema import schema_of
from gamemaster.certbot import acme_challenges, certificate_names
from gamemaster.hardening import firewall
from gamemaster.host_files import packages
from gamemaster.rancher import helm_values
from gamemaster.rancher_bootstrap import ROTATION_DAYS, TOKEN_DAYS, rotation
from gamemaster.ssh_steps import command
from tests.support import example, programs
from tests.support.monitor import Graph, graph_of, run


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(programs.game_master_with_dns_records, preview)


def test_the_security_group_allows_dns_and_web_to_all_and_ssh_to_the_operators_alone(graph: Graph) -> None:
    group = graph["gamemaster-instance-security-group"].inputs
    allowed = {(rule["protocol"], int(rule["port"]), rule["ipRange"]) for rule in group["inboundRules"]}
    everyone = "0.0.0.0/0"
    assert allowed == {
        ("TCP", 53, everyone),
        ("UDP", 53, everyone),
        ("TCP", 80, everyone),
        ("TCP", 443, everyone),
        ("TCP", 22, "198.51.100.0/24"),
    }
    assert group["inboundDefaultPolicy"] == "drop"


def test_scripts_wait_for_the_security_group_which_lets_operators_in_whose_network_has_changed(graph: Graph) -> None:
    assert "gamemaster-instance-security-group" in graph["gamemaster-instance-server"].depends_on
    for script in graph.of_type("command:remote:Command"):
        assert "gamemaster-instance-server" in script.depends_on


def test_a_copy_of_each_backup_goes_to_the_environment_s_folder_of_the_bucket() -> None:
    given = graph_of(programs.game_master, False)["gamemaster-nightly-backup-setup"].given
    assert given["bucket-url"] == "https://hunt-backups.s3.nl-ams.scw.cloud/dev"
    key = example.PASSWORD
    assert given["bucket-credentials"] == f'aws-sigv4 = "aws:amz:nl-ams:s3"\nuser = "{key}:{key}"\n'
    without = run(partial(programs.game_master, {"gamemaster.backupBucket": example.MISSING}), preview=False)
    assert without["gamemaster-nightly-backup-setup"].given["bucket-url"] == ""


def test_the_packet_filter_lets_the_operators_in_even_where_their_networks_overlap() -> None:
    rules = firewall(["198.51.100.0/24", "198.51.100.7/32", "203.0.113.0/25"])
    assert "ip saddr { 198.51.100.0/24, 203.0.113.0/25 } tcp dport 22 accept" in rules


def test_the_packet_filter_leaves_no_private_network_to_the_security_group() -> None:
    [taken_out] = re.findall(r"ip saddr != \{ (.*) \} tcp dport 22 accept", firewall(["198.51.100.0/24"]))
    assert set(taken_out.split(", ")) == {*PRIVATE_NETWORKS}


def test_a_certificate_names_nothing_twice_that_its_wildcard_covers() -> None:
    hosts = ["rancher.hunt.example.org", "shell.blue.hunt.example.org", "hunt.example.org"]
    names = certificate_names("hunt.example.org", hosts)
    assert names == ["hunt.example.org", "*.hunt.example.org", "shell.blue.hunt.example.org"]
    assert acme_challenges(names) == [
        "_acme-challenge.hunt.example.org",
        "_acme-challenge.shell.blue.hunt.example.org",
    ]


def test_nobody_logs_in_for_a_delegation_that_is_not_looked_at_and_the_certificate_waits_for_its_records(
    preview: bool,
) -> None:
    graph = run(partial(programs.game_master, {"certificates.delegationTimeoutSeconds": 0}), preview=preview)
    assert "gamemaster-delegation-check" not in graph.resources
    needed = graph["gamemaster-certbot-setup"].depends_on
    assert {"gamemaster-bind9-setup", "gamemaster-delegation-ns"} <= needed


def test_the_certificate_waits_for_bind9_and_for_the_delegation_and_nginx_for_the_certificate(graph: Graph) -> None:
    check = graph["gamemaster-delegation-check"]
    assert {"gamemaster-bind9-setup", "gamemaster-delegation-ns"} <= check.depends_on
    assert {"gamemaster-bind9-setup", "gamemaster-delegation-check"} <= graph["gamemaster-certbot-setup"].depends_on
    assert "gamemaster-certbot-setup" in graph["gamemaster-nginx-setup"].depends_on


def test_the_host_and_bind9_are_set_up_at_the_same_time(graph: Graph) -> None:
    assert "gamemaster-hardening-setup" not in graph["gamemaster-bind9-setup"].depends_on
    assert "gamemaster-bind9-setup" not in graph["gamemaster-hardening-setup"].depends_on


def test_rancher_is_set_up_once_it_answers_through_nginx(graph: Graph) -> None:
    setting_up = graph["gamemaster-rancher-bootstrap-initial-provider"]
    assert {"gamemaster-rancher-setup", "gamemaster-nginx-setup"} <= setting_up.depends_on
    admin = graph["gamemaster-rancher-bootstrap-admin"]
    assert admin.provider == "gamemaster-rancher-bootstrap-initial-provider"
    assert admin.inputs["tokenTtl"] == 90 * 24 * 3600
    assert {"initialPassword", "password"} <= admin.secrets


def test_rancher_tells_nobody_about_itself_and_everybody_one_address(preview: bool) -> None:
    graph = graph_of(programs.game_master, preview)
    settings = {each.inputs["name"]: each for each in graph.of_type("rancher2:index/setting:Setting")}
    assert settings["telemetry-opt"].inputs["value"] == "out"
    assert settings["agent-tls-mode"].inputs["value"] == "system-store"
    assert {each.provider for each in settings.values()} == {"gamemaster-rancher-bootstrap-provider"}
    assert "gamemaster-rancher-bootstrap-token" in graph["gamemaster-rancher-bootstrap-provider"].depends_on
    if not preview:
        assert settings["server-url"].inputs["value"] == "https://rancher.hunt.example.org"


@pytest.mark.parametrize("private", [True, False])
def test_agents_learn_a_private_authority_from_rancher_itself(private: bool) -> None:
    root = example.CERTIFICATE if private else example.MISSING
    graph = run(partial(programs.game_master, {"rancher.caBundle": root}), preview=False)
    inputs = graph["gamemaster-rancher-setup"].given
    assert json.loads(inputs["values.yaml"])["privateCA"] is private
    assert inputs["cacerts.pem"] == (example.CERTIFICATE if private else "")
    assert graph["gamemaster-rancher-bootstrap-provider"].inputs.get("caCerts") == (inputs["cacerts.pem"] or None)


def test_what_rancher_was_told_goes_with_its_machine_and_is_not_asked_back(graph: Graph) -> None:
    for setting in graph.of_type("rancher2:index/setting:Setting"):
        assert setting.deleted_with == "gamemaster-instance-server"


def test_a_rancher_with_other_data_is_set_up_anew_from_the_admin_s_password_to_the_last_setting() -> None:
    graph = graph_of(programs.game_master, False)
    admin, token = (graph[f"gamemaster-rancher-bootstrap-{name}"].options for name in ("admin", "token"))
    assert admin.replacement_trigger.string_value == "its data"
    assert token.replacement_trigger.list_value.values[1].string_value == "its data"
    for setting in graph.of_type("rancher2:index/setting:Setting"):
        assert setting.inputs["annotations"]["shambhala/datastore"] == "its data"
        # Replaced, it would be given its default by the old one's end.
        assert not setting.options.HasField("replacement_trigger")


def test_an_upgrade_of_k3s_or_rancher_is_not_seen_as_another_rancher() -> None:
    """What its step goes by: its server alone, not what K3s printed, which a preview does not know."""
    graph = graph_of(programs.game_master, False)
    datastore = graph["gamemaster-k3s-datastore"]
    assert "gamemaster-k3s-setup" in datastore.depends_on
    assert datastore.inputs["triggers"] == graph["gamemaster-first-boot"].inputs["triggers"]


def test_the_token_of_rancher_s_admin_is_a_secret_everywhere(graph: Graph) -> None:
    for bootstrap in ("gamemaster-rancher-bootstrap-admin", "gamemaster-rancher-bootstrap-token"):
        assert set(graph[bootstrap].options.additionalSecretOutputs) >= {"token"}


def test_the_token_of_rancher_s_admin_is_made_anew_a_month_before_it_would_end() -> None:
    # Not in a preview: there, which Rancher it is may be unknown, and whether the token stays with it.
    token = graph_of(programs.game_master_with_dns_records, False)["gamemaster-rancher-bootstrap-token"]
    assert token.provider == "gamemaster-rancher-bootstrap-initial-provider"
    assert "gamemaster-rancher-bootstrap-admin" in token.depends_on
    assert {"initialPassword", "password"} <= token.secrets
    period, _ = token.options.replacement_trigger.list_value.values
    assert period.number_value == rotation(datetime.datetime.now(datetime.UTC).date())
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=after) for after in range(300)]
    changes = [day for day, next_day in itertools.pairwise(days) if rotation(day) != rotation(next_day)]
    assert {(after - before).days for before, after in itertools.pairwise(changes)} == {60}
    assert TOKEN_DAYS - ROTATION_DAYS == 30


def test_without_rancher_there_is_no_k3s_either(preview: bool) -> None:
    graph = run(partial(programs.game_master, {"rancher.enabled": False}), preview=preview)
    assert not [name for name in graph.resources if "k3s" in name or "rancher" in name]


def test_k3s_is_set_up_beside_bind9_and_rancher_waits_for_it(graph: Graph) -> None:
    k3s = graph["gamemaster-k3s-setup"]
    assert "gamemaster-first-boot" in k3s.depends_on
    assert not {"gamemaster-bind9-setup", "gamemaster-hardening-setup"} & k3s.depends_on
    assert "gamemaster-k3s-setup" in graph["gamemaster-rancher-setup"].depends_on


def test_without_an_authority_nothing_is_served_on_the_web(preview: bool) -> None:
    graph = run(
        partial(programs.game_master, {"certificates.authority": "none", "rancher.enabled": False}), preview=preview
    )
    assert not [name for name in graph.resources if "certbot" in name or "nginx" in name]


def test_the_server_goes_before_its_successor_comes_because_they_share_an_address(graph: Graph) -> None:
    server = graph["gamemaster-instance-server"]
    assert server.options.deleteBeforeReplace
    assert list(server.options.replaceOnChanges) == ["userData"]


def test_the_host_key_given_at_first_boot_is_kept_secret(graph: Graph) -> None:
    assert "userData" in graph["gamemaster-instance-server"].secrets


@pytest.mark.parametrize("script", ["gamemaster-first-boot", "gamemaster-bind9-setup", "dns-records-play-nsupdate"])
def test_every_script_pins_the_host_key_and_gives_up_in_bounded_time(script: str) -> None:
    # Not in a preview: there the address is unknown, and the connection with it.
    connection = graph_of(programs.game_master_with_dns_records, False)[script].inputs["connection"]
    assert connection["hostKey"] == example.complete()["gamemaster"]["hostKey"]["public"]
    assert connection["dialErrorLimit"] * connection["perDialTimeout"] == 300


@pytest.mark.parametrize("script", ["gamemaster-first-boot", "gamemaster-bind9-setup", "dns-records-play-nsupdate"])
def test_every_script_goes_with_its_server(graph: Graph, script: str) -> None:
    assert graph[script].deleted_with == "gamemaster-instance-server"
    assert "gamemaster-instance-server" in graph[script].depends_on


def test_scripts_belong_to_their_component_and_not_to_the_server(graph: Graph) -> None:
    assert graph["gamemaster-bind9-setup"].parent == "gamemaster-bind9"
    assert graph["dns-records-play-nsupdate"].parent == "dns-records-play"


def test_bind9_waits_for_the_first_boot_and_records_for_bind9(graph: Graph) -> None:
    assert "gamemaster-first-boot" in graph["gamemaster-bind9-setup"].depends_on
    assert "gamemaster-bind9-setup" in graph["dns-records-play-nsupdate"].depends_on


def test_a_boards_rule_waits_for_the_packet_filter(graph: Graph) -> None:
    for board in example.complete()["boards"]:
        assert "gamemaster-hardening-setup" in graph[f"gamemaster-metrics-access-{board}-setup"].depends_on


def test_the_packages_of_all_scripts_are_known_before_the_first_of_them_installs_any(graph: Graph) -> None:
    scripts = {script.inputs["create"].removeprefix("bash -s ") for script in graph.of_type("command:remote:Command")}
    # A system that runs K3s has had these two since its first boot.
    needed = set(packages(scripts)) - {"curl", "ca-certificates"}
    assert needed > {"bind9", "certbot", "nginx-light", "nftables"}
    assert set(graph["gamemaster-first-boot"].given["packages"].split()) >= needed


def test_scripts_and_their_inputs_travel_by_standard_input_and_are_a_secret_there(graph: Graph) -> None:
    for script in graph.of_type("command:remote:Command"):
        assert "stdin" in script.secrets
        assert re.fullmatch(r"bash -s [a-z0-9-]+", script.inputs["create"])
        assert not script.inputs.get("environment")


def test_what_bind9_is_told_does_not_depend_on_which_boards_there_are() -> None:
    one = run(partial(programs.game_master, {"boards.green": example.MISSING}), preview=False)
    two = run(programs.game_master, preview=False)
    assert two.resources.keys() - one.resources.keys() == {
        "gamemaster-tsig-key-green",
        "gamemaster-tsig-key-green-setup",
        "gamemaster-metrics-access-green",
        "gamemaster-metrics-access-green-setup",
    }
    for name, resource in one.resources.items():
        assert resource.inputs == two[name].inputs


def test_a_board_s_prometheus_reads_the_numbers_from_its_own_network_until_the_board_goes(graph: Graph) -> None:
    for board, subnet in {"blue": "10.21.0.0/22", "green": "10.21.4.0/22"}.items():
        step = graph[f"gamemaster-metrics-access-{board}-setup"]
        assert step.given["board.nft"] == f"add element inet shambhala boards {{ {subnet} }}\n"
        assert step.inputs["delete"] == command("metrics-access-delete")
    rules = firewall(["198.51.100.0/24"])
    assert [line.strip() for line in rules.splitlines() if "9100" in line] == ["ip saddr @boards tcp dport 9100 accept"]


def test_a_larger_volume_has_its_file_system_grown_too(preview: bool) -> None:
    before, after = (
        run(partial(programs.game_master, {"gamemaster.volumeSizeGb": size}), preview=preview) for size in (40, 60)
    )
    assert before["gamemaster-root-volume"].given == {"gigabytes": "40"}
    assert after["gamemaster-root-volume"].given == {"gigabytes": "60"}
    assert "gamemaster-instance-server" in after["gamemaster-root-volume"].depends_on


def test_a_board_that_goes_takes_its_key_with_it(graph: Graph) -> None:
    assert graph["gamemaster-tsig-key-green-setup"].inputs["delete"] == command("tsig-key-delete")
    assert "gamemaster-bind9-setup" in graph["gamemaster-tsig-key-green-setup"].depends_on


def test_a_record_set_is_removed_when_it_is_deleted(graph: Graph) -> None:
    assert graph["dns-records-play-nsupdate"].inputs["delete"] == command("record-set-delete")


def test_a_record_set_of_another_name_or_type_is_another_one_and_the_old_one_goes_first() -> None:
    record = graph_of(programs.game_master_with_dns_records, False)["dns-records-play-nsupdate"]
    assert record.inputs["triggers"][1:] == ["play", "A"]
    assert record.options.deleteBeforeReplace


def test_the_parent_zone_at_scaleway_gets_an_address_before_it_delegates(graph: Graph) -> None:
    delegation = graph["gamemaster-delegation-ns"]
    assert delegation.inputs["data"] == "ns1-hunt.example.org."
    assert delegation.inputs["name"] == "hunt"
    assert "gamemaster-delegation-a" in delegation.depends_on


def test_a_parent_zone_elsewhere_is_left_to_the_operator(preview: bool) -> None:
    graph = run(partial(programs.game_master, {"parentZone": "external"}), preview=preview)
    assert graph.of_type("scaleway:domain/record:Record") == []


def test_a_game_master_refuses_to_lose_its_server_unless_a_setting_says_so(preview: bool) -> None:
    for environment, at_scaleway_too in (("dev", False), ("production", True)):
        changes: dict[str, object] = {"environment": environment}
        server = run(partial(programs.game_master, changes), preview=preview)["gamemaster-instance-server"]
        assert (server.protect, server.inputs["protected"]) == (True, at_scaleway_too)
        changes["gamemaster.allowReplacement"] = True
        server = run(partial(programs.game_master, changes), preview=preview)["gamemaster-instance-server"]
        assert (server.protect, server.inputs["protected"]) == (False, False)


def test_ranchers_first_password_arrives_in_yaml_as_it_was_given() -> None:
    """Helm reads JSON as YAML: nothing that a password may hold is syntax there."""
    printable = "".join(map(chr, range(0x21, 0x7F)))
    for first in printable:
        password = schema_of(Password).validated(f"{first} {printable}").value
        written = json.dumps(helm_values("rancher.example.org", password, private_ca=False))
        assert yaml.safe_load(written)["bootstrapPassword"] == password

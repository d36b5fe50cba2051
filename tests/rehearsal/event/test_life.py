"""An event from its first `make rehearse`, in the order in which an operator lives it; test_swap.py goes on with it."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest
import yaml

from rehearsal.configuration import ZONE
from rehearsal.engine import resources_in_state
from tests.rehearsal.site import INSTANCE, ROOT, Rehearsal, counts, output

pytestmark = pytest.mark.timeout(600)


def test_the_table_says_of_every_part_whether_it_is_real(raised: str) -> None:
    # A value that does not fit goes on in a further line, of which the first cell is empty.
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in raised.splitlines() if line.startswith("│")]
    parts = {part: what for part, what, *_ in rows if part}
    assert parts["Scaleway API"] == "stand-in"
    assert parts["chart repository"] == "stand-in"
    assert parts["Grafana"] == "stand-in chart"
    assert parts["K3s"].startswith("stand-in")
    assert parts["Rancher"].startswith("stand-in")
    assert parts["board blue"].startswith("real control plane, no pods")
    assert [what for part, what in parts.items() if part.startswith("language host")] in (["real"], ["stand-in"])
    for tool in ("pulumi", "kubernetes plugin", "scaleway plugin", "control plane"):
        assert [what for part, what in parts.items() if part.startswith(tool)] == ["real"]


def test_a_normal_run_warns_of_nothing(raised: str) -> None:
    assert "warn" not in raised.lower()
    assert "expected to have version" not in raised


def test_the_commands_that_it_ends_with_work_as_printed(raised: str) -> None:
    tried = [shlex.split(line) for line in raised.partition("Try:\n")[2].splitlines() if line.startswith("  ")]
    dig, kubectl, ssh = tried
    assert re.fullmatch(r"127\.\d+\.3\.\d+", output(dig))
    assert "play.hunt.example.org" in output(kubectl)
    assert "gamemaster" in output(ssh, stdin="hostname\n")


def test_a_second_one_changes_nothing(game: Rehearsal, raised: str) -> None:
    again = counts(game.command("up"))
    assert again.keys() == {"same"}
    assert again["same"] == counts(raised)["create"]


def test_a_setting_that_is_wrong_is_refused_before_anything_is_touched(game: Rehearsal, raised: str) -> None:
    said = game.refused("up", "--set", 'gameApp={"checkSeconds": "often"}', "--set", "activeBoard=green")
    assert 'gameApp.checkSeconds = "often": must be a whole number' in said
    assert 'activeBoard = "green": must name one of the boards: blue' in said
    assert "Raising" not in said
    assert counts(game.command("up")).keys() == {"same"}


def test_the_stack_file_is_one_as_init_writes_it_where_the_engine_looks_for_it(game: Rehearsal, raised: str) -> None:
    written = yaml.safe_load((ROOT / f"Pulumi.rehearsal-{game.name}.yaml").read_text())["config"]
    assert written["shambhala:environment"] == "rehearsal"
    # Made by it, and encrypted.
    assert "secure" in written["shambhala:operators"]["sshPrivateKey"]
    assert "secure" in written["shambhala:observability"]["grafanaAdminPassword"]
    ignored = ["git", "check-ignore", "--quiet", f"Pulumi.rehearsal-{game.name}.yaml"]
    assert subprocess.run(ignored, cwd=ROOT, check=False).returncode == 0


def test_the_printed_exports_lead_any_shells_pulumi_to_the_cloud(game: Rehearsal, raised: str) -> None:
    """As by eval "$(make -s cloud)", in a shell with a passphrase and an engine of its own."""
    command = f'eval "$({sys.executable} -m rehearsal cloud --name {game.name})" && "$@"'
    shell = {name: os.environ[name] for name in ("PATH", "HOME")} | {"PULUMI_CONFIG_PASSPHRASE": "another"}
    shell |= {name: value for name, value in os.environ.items() if name.startswith("XDG_")}

    def typed(*words: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command, "bash", *words], cwd=ROOT, env=shell, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    stack = f"rehearsal-{game.name}"
    shown = typed("pulumi", "preview", "--stack", stack, "--non-interactive", "--expect-no-changes")
    assert "unchanged" in shown
    values = json.loads(Path(typed("printenv", "VALUES").strip()).read_text())
    assert values["scaleway"]["apiUrl"].startswith("http://127.")
    # Which environment it is, and its keys, are its own.
    assert "environment" not in values
    assert values["operators"].keys() == {"cidrs"}


def test_a_refresh_finds_everything_as_it_was_made(game: Rehearsal, raised: str) -> None:
    stack = game.open()
    said = stack.refresh(color="never").stdout
    # What the program only reads is written down with its kind and name, which a reading does not ask for.
    assert set(re.findall(r"(\S+) (?:created|updated|deleted|replaced) \(", said)) <= {"board-blue-api-endpoints"}, said
    stack.preview(color="never", expect_no_changes=True)


def test_the_name_server_answers_with_authority_for_the_zone_only(raised: str, address: str) -> None:
    assert output(["dig", "+short", f"@{address}", ZONE, "SOA"]).startswith(f"ns1-{ZONE}. ")
    assert output(["dig", "+short", f"@{address}", ZONE, "NS"]) == f"ns1-{ZONE}."
    assert re.search(r"flags: qr aa[ ;]", output(["dig", "+norecurse", f"@{address}", f"play.{ZONE}"]))
    assert "status: NXDOMAIN" in output(["dig", f"@{address}", f"nobody.{ZONE}"])
    assert "status: REFUSED" in output(["dig", f"@{address}", "debian.org"])


def test_every_name_of_the_game_leads_to_the_active_board(game: Rehearsal, raised: str, address: str) -> None:
    board = game.kubectl(
        *("get", "service", "--namespace=ingress", "--output"),
        "jsonpath={.items[?(@.spec.type=='LoadBalancer')].status.loadBalancer.ingress[0].ip}",
    )
    for name in ("play", "team.play", "grafana", "anything.blue"):
        assert output(["dig", "+short", f"@{address}", f"{name}.{ZONE}"]) == board


def test_the_boards_workloads_are_ready(game: Rehearsal, raised: str) -> None:
    observability = [("observability", name) for name in ("grafana", "loki-gateway", "prometheus-server")]
    for namespace, deployment in (("hunt", "hunt"), ("logging", "logging-operator"), *observability):
        game.kubectl("wait", f"deployment/{deployment}", f"--namespace={namespace}", "--for=condition=Available")
    nodes = json.loads(game.kubectl("get", "nodes", "--output=json"))["items"]
    assert len(nodes) == 2


def test_the_logs_have_a_way_to_loki_and_dashboards_are_there(game: Rehearsal, raised: str) -> None:
    flows = json.loads(game.kubectl("get", "clusterflows", "--namespace=logging", "--output=json"))["items"]
    outputs = game.kubectl("get", "clusteroutputs", "--namespace=logging", "--output=name").split()
    for flow in flows:
        for name in flow["spec"]["globalOutputRefs"]:
            assert f"clusteroutput.logging.banzaicloud.io/{name}" in outputs
    assert len(flows) == 2
    game.kubectl("wait", "job", "--all", "--namespace=logging", "--for=condition=Complete")
    for folder in ("game", "platform", "teams"):
        found = game.kubectl("get", f"configmap/dashboards-{folder}", "--namespace=observability", "--output=json")
        assert {Path(name).stem for name in json.loads(found)["data"]} == {
            each.stem for each in (ROOT / "observability" / "dashboards" / folder).glob("*.json")
        }


def test_ssh_takes_the_operators_key_and_no_password(game: Rehearsal, raised: str, address: str) -> None:
    known = f"-oUserKnownHostsFile={game.session.home / 'known_hosts'}"
    by_password = [
        "ssh",
        known,
        "-oPreferredAuthentications=password,keyboard-interactive",
        "-oNumberOfPasswordPrompts=0",
    ]
    refused = subprocess.run([*by_password, f"root@{address}", "true"], capture_output=True, text=True, check=False)
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_nothing_of_the_game_master_answers_but_names_web_and_ssh(raised: str, address: str) -> None:
    def answers(port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(5)
            return probe.connect_ex((address, port)) == 0

    # Below 1024, and where Kubernetes, its kubelet, etcd and node ports would be.
    assert [port for port in [*range(1, 1024), 2379, 2380, 6443, 8080, 10250, 30080] if answers(port)] == [
        22,
        53,
        80,
        443,
    ]


def test_rancher_answers_through_nginx_with_the_authoritys_certificate_and_knows_no_first_password(
    game: Rehearsal, raised: str, address: str
) -> None:
    rancher = game.setting("rancher")

    def ask(path: str, *arguments: str) -> str:
        host = f"rancher.{ZONE}"
        return output(["curl", "-sSk", "--resolve", f"{host}:443:{address}", *arguments, f"https://{host}{path}"])

    assert ask("/ping") == "pong"
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"{address}:443", "-servername", f"rancher.{ZONE}", "-tls1_2"],
        input="",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "issuer=CN = Pebble Intermediate" in shown

    def logs_in(password: str) -> bool:
        body = json.dumps({"username": "admin", "password": password, "type": "localProvider"})
        answer = json.loads(ask("/v3-public/localProviders/local?action=login", "--data", body))
        return answer["type"] != "error"

    assert logs_in(rancher["adminPassword"])
    assert not logs_in(rancher["bootstrapPassword"])


def test_what_the_boards_issuer_holds_proves_the_boards_own_names_and_no_other(game: Rehearsal, raised: str) -> None:
    issuers = game.kubectl("get", "clusterissuers", "--output=name").split()
    assert {each.rpartition("/")[2] for each in issuers} == {"letsencrypt-production", "letsencrypt-staging", "own"}
    issuer = json.loads(game.kubectl("get", "clusterissuer", "own", "--output=json"))
    [solver] = issuer["spec"]["acme"]["solvers"]
    way = solver["dns01"]["rfc2136"]
    reference = way["tsigSecretSecretRef"]
    held = json.loads(game.kubectl("--namespace=cert-manager", "get", "secret", reference["name"], "--output=json"))
    key = dns.tsig.Key(
        way["tsigKeyName"], base64.b64decode(held["data"][reference["key"]]).decode(), dns.tsig.HMAC_SHA256
    )
    server, _, port = way["nameserver"].partition(":")

    def written(name: str, kind: str, data: str) -> dns.rcode.Rcode:
        update = dns.update.UpdateMessage(ZONE, keyring={key.name: key}, keyname=key.name)
        update.replace(name, 60, kind, data)
        return dns.query.tcp(update, server, port=int(port), timeout=10).rcode()

    challenge = "_acme-challenge.blue"
    assert written(challenge, "TXT", "proof") == dns.rcode.NOERROR
    question = dns.message.make_query(f"{challenge}.{ZONE}", "TXT")
    [answer] = dns.query.udp(question, server, port=int(port), timeout=10).answer
    assert str(answer).endswith('TXT "proof"')
    assert written("blue", "A", "192.0.2.1") == dns.rcode.REFUSED
    assert written("_acme-challenge.green", "TXT", "proof") == dns.rcode.REFUSED


def test_each_name_of_the_board_has_a_certificate_that_the_authority_has_signed(game: Rehearsal, raised: str) -> None:
    certificates = json.loads(game.kubectl("get", "certificates", "--all-namespaces", "--output=json"))["items"]
    signed = {
        name: each
        for each in certificates
        for name in game.names_signed_in(each["metadata"]["namespace"], each["spec"]["secretName"])
    }
    assert signed.keys() == {f"*.blue.{ZONE}", f"play.{ZONE}", f"grafana.{ZONE}"}
    assert {each["spec"]["issuerRef"]["name"] for each in signed.values()} == {"own"}
    # Whatever has a certificate of its own names the one that is there.
    shown = json.loads(game.kubectl("get", "ingresses", "--all-namespaces", "--output=json"))["items"]
    hosts = {host for each in shown for tls in each["spec"].get("tls", []) for host in tls["hosts"]}
    assert hosts == {f"play.{ZONE}", f"grafana.{ZONE}"}
    for each in shown:
        for tls in each["spec"].get("tls", []):
            assert game.names_signed_in(each["metadata"]["namespace"], tls["secretName"]) == tls["hosts"]


def test_the_operator_saves_the_game_master_to_a_file_that_is_for_nobody_else(
    game: Rehearsal, raised: str, tmp_path: Path
) -> None:
    file = tmp_path / "saved.tar.gz"
    assert game.backup("backup", file).strip() == f"Saved: {file}"
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as archive:
        names = archive.getnames()
    assert f"var/lib/bind/{ZONE}.db" in names
    assert f"etc/letsencrypt/live/{ZONE}/fullchain.pem" in names
    assert "var/lib/shambhala/restore/k3s-snapshot" in names
    assert [other for other in tmp_path.iterdir() if other != file] == []


def test_an_instance_that_is_lost_begins_anew_from_what_was_saved_as_the_document_says(
    game: Rehearsal, raised: str, address: str, tmp_path: Path
) -> None:
    """docs/backup.md: certificate, keys and Rancher are the same, and no board notices."""

    def certificate() -> str:
        asked = ["openssl", "s_client", "-connect", f"{address}:443", "-servername", f"rancher.{ZONE}"]
        shown = subprocess.run(asked, input="", capture_output=True, text=True, check=True).stdout
        return output(["openssl", "x509", "-noout", "-serial"], shown)

    def keys() -> str:
        return output(["dig", "+short", f"@{address}", ZONE, "DNSKEY"])

    def in_rancher() -> dict[str, object]:
        known = [each for each in resources_in_state(stack) if each["type"].startswith("rancher2:")]
        return {each["urn"]: (each["id"], each["outputs"].get("tokenId")) for each in known}

    stack, target = game.open(), ["**gamemaster-instance-server"]
    file, servers = tmp_path / "saved.tar.gz", f"{INSTANCE}/servers"
    before = certificate(), keys(), in_rancher()
    game.backup("backup", file)
    [lost] = game.ask_cloud("GET", servers)["servers"]
    game.ask_cloud("POST", f"{servers}/{lost['id']}/action", {"action": "terminate"})
    while game.ask_cloud("GET", servers)["servers"]:
        time.sleep(0.2)
    game.ask_cloud("DELETE", f"/block/v1/zones/fr-par-1/volumes/{lost['volumes']['0']['id']}")

    stack.refresh(target=target, color="never")
    stack.up(target=target, color="never")
    game.backup("restore", file)
    game.up()
    assert (certificate(), keys(), in_rancher()) == before
    assert game.answer("play") == game.answer("anything.blue") != ""
    assert game.up().keys() == {"same"}


def test_a_setting_changes_what_depends_on_it_and_nothing_else(game: Rehearsal, raised: str) -> None:
    changed = game.up({"gameApp": {"checkSeconds": 30}})
    assert changed["update"] == 1
    assert changed.keys() == {"update", "same"}
    arguments = "--output=jsonpath={.spec.template.spec.containers[0].args}"
    assert "--interval=30" in game.kubectl("get", "deployment/hunt", "--namespace=hunt", arguments)


def test_a_pool_follows_its_size(game: Rehearsal, raised: str) -> None:
    blue = game.setting("boards")["blue"]
    pools = {"main": {**blue["pools"]["main"], "size": 3}}
    assert game.up({"boards": {"blue": {**blue, "pools": pools}}})["update"] >= 1
    assert len(game.kubectl("get", "nodes", "--output=name").split()) == 3


def test_an_api_that_is_overloaded_for_a_while_only_delays_it(game: Rehearsal, raised: str) -> None:
    game.ask_cloud("POST", "/rehearsal/faults", {"answer": 429, "requests": 3})
    game.ask_cloud("POST", "/rehearsal/faults", {"answer": 503, "requests": 3})
    stack = game.open()
    stack.refresh(color="never")
    assert game.ask_cloud("GET", "/rehearsal/faults") == {"faults": []}
    assert game.up().keys() <= {"same", "update"}

"""Gitea on the board, as the program registers it: T23 of the attack suite, and what the set-up may do."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes import Provider

from common.keys import dns_key
from common.settings import Secret
from common.versions import Images
from game_app.cluster_addresses import GITEA
from game_app.guard.pipelines import pipeline_files
from game_app.ingress import Endpoint
from game_app.scm.gitea import gitea
from game_app.scm.gitea.gitea import Gitea, GiteaArgs
from game_app.scm.gitea.gitea_accounts import account_password
from game_app.service_files import service_command, service_files
from game_app.services.pipeline_catalogue import CHECK
from game_app.services.setup.gitea_setup import protection
from game_app.services.setup.setup_plan import GiteaPlan
from game_app.source_control import DroneServer
from tests.support.monitor import Graph, graph_of
from tests.support.policies import rules
from tests.support.programs import API, API_ADDRESSES, delivery_settings

SCRIPTS = Path(gitea.__file__).parent / "scripts"
MASTER = dns_key()
TOKEN = "t" * 64
GIT, DRONE = (
    Endpoint(host=f"{name}.hunt.example.org", ingress_class="nginx", cluster_issuer="acme") for name in ("git", "drone")
)
TEAMS = {"team-red": ["ada", "grace"], "team-blue": ["linus"]}


def source_control() -> None:
    Gitea(
        "scm",
        GiteaArgs(
            settings=delivery_settings(master_key=Secret(MASTER)),
            images=Images(),
            endpoint=GIT,
            teams=TEAMS,
            pipelines=pipeline_files(
                organisation="game",
                components=["portal"],
                teams=list(TEAMS),
                source=GITEA.url,
                registry="registry.example/game",
                images=Images(),
            ),
            drone=DroneServer(public_url=DRONE.url, admin_token=pulumi.Output.secret(TOKEN)),
            api=API,
        ),
        opts=pulumi.ResourceOptions(providers=[Provider("board")]),
    )


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(source_control, preview)


@pytest.fixture
def plan_file(graph: Graph, tmp_path: Path) -> Path:
    file = tmp_path / "plan.json"
    file.write_text(graph["scm-plan"].inputs["stringData"]["plan.json"])
    return file


def settings(graph: Graph) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string("[DEFAULT]\n" + graph["scm-configuration"].inputs["data"]["app.ini"])
    return parser


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("service", "DISABLE_REGISTRATION", "true"),
        ("service", "REQUIRE_SIGNIN_VIEW", "true"),
        ("actions", "ENABLED", "false"),
        ("security", "DISABLE_GIT_HOOKS", "true"),
        ("security", "INSTALL_LOCK", "true"),
        ("migrations", "ALLOW_LOCALNETWORKS", "false"),
        ("webhook", "ALLOWED_HOST_LIST", "drone.delivery.svc.cluster.local"),
        ("server", "DISABLE_SSH", "true"),
        ("server", "ROOT_URL", "https://git.hunt.example.org/"),
        ("session", "COOKIE_SECURE", "true"),
        ("mirror", "ENABLED", "false"),
        ("admin", "USER_DISABLED_FEATURES", "deletion,change_username,manage_credentials"),
        ("packages", "ENABLED", "false"),
    ],
)
def test_t23_gitea_is_set_so_that_nothing_but_drone_builds(graph: Graph, section: str, key: str, value: str) -> None:
    assert settings(graph)[section][key] == value


def test_t23_the_main_branch_takes_only_what_is_green_up_to_date_and_merged_by_one_account(plan_file: Path) -> None:
    plan = GiteaPlan.read(plan_file)
    wanted = protection(plan, next(each for each in plan.repositories if each.name == "team-red"))
    assert wanted["enable_push"] is False
    assert wanted["merge_whitelist_usernames"] == ["merge-bot"]
    assert wanted["enable_status_check"] is True
    assert wanted["status_check_contexts"] == [CHECK] == ["continuous-integration/drone/pr"]
    assert wanted["block_on_outdated_branch"] is True
    assert wanted["block_admin_merge_override"] is True
    assert ".drone.yml" in wanted["protected_file_patterns"].split(";")


def test_t23_players_read_their_own_repository_and_everybody_the_components(plan_file: Path) -> None:
    repositories = {each.name: list(each.readers) for each in GiteaPlan.read(plan_file).repositories}
    assert repositories == {"portal": [], **TEAMS}


def test_t23_the_maintainer_alone_pushes_and_to_components_alone(plan_file: Path) -> None:
    plan = GiteaPlan.read(plan_file)
    pushers = {each.name: protection(plan, each)["push_whitelist_usernames"] for each in plan.repositories}
    assert pushers == {"portal": ["maintainer"], **{team: [] for team in TEAMS}}
    for each in plan.repositories:
        held = protection(plan, each)
        assert held["enable_push"] is held["enable_push_whitelist"] is bool(each.writers)
        assert held["enable_force_push"] is False


def test_the_configuration_file_holds_no_secret_but_names_their_files(graph: Graph) -> None:
    keys = graph["scm-keys"].inputs["stringData"]
    text = graph["scm-configuration"].inputs["data"]["app.ini"]
    assert set(keys) == {"secret-key", "internal-token", "jwt-secret"}
    for name, value in keys.items():
        assert f"file:/etc/gitea/secrets/{name}" in text
        assert value not in text


def test_every_account_has_a_password_of_its_own(plan_file: Path) -> None:
    passwords = GiteaPlan.read(plan_file).passwords
    assert set(passwords) == {"drone-bot", "clone-bot", "merge-bot", "maintainer", "ada", "grace", "linus"}
    assert len(set(passwords.values())) == len(passwords)
    assert passwords["ada"] == account_password(MASTER, "ada")


def containers(graph: Graph) -> dict[str, Any]:
    spec = graph["scm-server"].inputs["spec"]["template"]["spec"]
    return {each["name"]: each for each in [*spec["initContainers"], *spec["containers"]]}


def test_the_clusters_account_is_the_set_ups_alone(graph: Graph) -> None:
    assert graph["scm-server"].inputs["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    holders = {
        name
        for name, each in containers(graph).items()
        if "account" in {mount["name"] for mount in each["volumeMounts"]}
    }
    assert holders == {"setup"}


def test_gitea_itself_never_sees_the_administrators_token(graph: Graph) -> None:
    holders = {
        name for name, each in containers(graph).items() if "token" in {mount["name"] for mount in each["volumeMounts"]}
    }
    assert holders == {"prepare", "setup"}


def test_gitea_is_reached_by_players_builds_and_drone_and_reaches_drone(graph: Graph) -> None:
    allowed = json.dumps(rules(graph, "scm", "ingress"))
    assert [name for name in ("ingress", "drone", "build") if f'"{name}"' not in allowed] == []
    reached = [peer for rule in rules(graph, "scm", "egress") for peer in rule["to"]]
    assert {peer["ipBlock"]["cidr"] for peer in reached if "ipBlock" in peer} == {*API_ADDRESSES}


def test_gitea_is_reached_by_a_certificate_of_the_boards_issuer(graph: Graph) -> None:
    ingress = graph["scm-ingress"].inputs
    certificate = graph["scm-certificate"].inputs["spec"]
    assert certificate["issuerRef"]["name"] == "acme"
    assert (certificate["secretName"], certificate["dnsNames"]) == ("gitea-tls", ["git.hunt.example.org"])
    # Everything else has the ingress' own limit of 1 MB.
    assert ingress["metadata"]["annotations"] == {"nginx.org/client-max-body-size": "64m"}
    assert ingress["spec"]["tls"] == [{"hosts": ["git.hunt.example.org"], "secretName": "gitea-tls"}]


def test_the_set_up_runs_from_its_own_files_with_nothing_but_pythons_standard_library(
    graph: Graph, tmp_path: Path
) -> None:
    volumes = {each["name"]: each for each in graph["scm-server"].inputs["spec"]["template"]["spec"]["volumes"]}
    data = graph["scm-program"].inputs["data"]
    for item in volumes["program"]["configMap"]["items"]:
        (tmp_path / item["path"]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / item["path"]).write_text(data[item["key"]])
    done = subprocess.run(
        [sys.executable, "-S", *service_command("setup")[1:], "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "--pipelines" in done.stdout
    assert set(service_files("setup")) == {item["path"] for item in volumes["program"]["configMap"]["items"]}


def test_no_secret_is_registered_in_the_clear(graph: Graph) -> None:
    hidden = [MASTER, TOKEN, account_password(MASTER, "ada")]
    for resource in graph.resources.values():
        for key, value in resource.inputs.items():
            if not any(secret == key or secret.startswith((f"{key}.", f"{key}[")) for secret in resource.secrets):
                assert not any(secret in repr(value) for secret in hidden), f"{resource.name}.{key}"


def prepared(folder: Path, said: str) -> subprocess.CompletedProcess[str]:
    """What comes of a Gitea that says this when it is asked for a token."""
    gitea = folder / "gitea"
    gitea.write_text(f"#!/bin/sh\ncase \"$*\" in *generate-access-token*) printf '{said}' ;; esac\n")
    gitea.chmod(0o700)
    env = {**os.environ, "GITEA": str(gitea), "GITEA_CONFIG": "app.ini", "TOKEN": str(folder)}
    command = ["sh", str(SCRIPTS / "prepare.sh")]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("around", ["{}", "a line of the log\\n{}", "{}\\na line of the log"])
def test_the_administrators_token_is_found_between_the_lines_of_the_log(tmp_path: Path, around: str) -> None:
    done = prepared(tmp_path, around.format("c0ffee" * 6 + "cafe") + "\\n")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "token").read_text().strip() == "c0ffee" * 6 + "cafe"
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0


def test_where_no_token_is_made_it_is_said(tmp_path: Path) -> None:
    done = prepared(tmp_path, "a line of the log\\n")
    assert (done.returncode, done.stderr) == (1, "Gitea made no token for its administrator.\n")


def test_gitea_runs_git_by_the_script_that_bounds_its_memory(graph: Graph) -> None:
    data = graph["scm-configuration"].inputs["data"]
    assert "\nPATH = /etc/gitea/configuration/git.sh\n" in data["app.ini"]
    assert "ulimit -d" in data["git.sh"]
    spec = graph["scm-server"].inputs["spec"]["template"]["spec"]
    [volume] = [each for each in spec["volumes"] if each["name"] == "configuration"]
    assert int(volume["configMap"]["defaultMode"]) & 0o111 == 0o111
    [server] = [each for each in spec["containers"] if each["name"] == "gitea"]
    mounted = {each["name"]: each["mountPath"] for each in server["volumeMounts"]}
    assert mounted["configuration"] == "/etc/gitea/configuration"

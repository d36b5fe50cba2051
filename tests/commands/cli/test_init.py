"""`make init` in a script, with the real engine: what an operator gets."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from common.settings import parse
from tests.commands.cli.place import ACCOUNT, ENOUGH, ROOT, Place

OTHER_KEY = {"accessKey": ACCOUNT["accessKey"], "secretKey": "7a1c7b0e-7d53-4a0b-9a35-0c6f8b1f2d22"}


def test_given_what_nobody_else_knows_an_environment_is_ready(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.init("dev", "--values", place.gives(ENOUGH)) == 0
    said = capsys.readouterr().out
    assert said.endswith("Next:\n  make doctor STACK=dev\n  make preview STACK=dev\n  make up STACK=dev\n")
    assert "Warning" not in said
    settings = parse(place.settings("dev"), "dev")
    assert settings.zone_name == "hunt.games.internal"
    assert settings.boards["blue"].api_cidrs == ("10.8.0.0/24",)
    assert settings.delivery.master_key is None


def test_secrets_are_encrypted_and_never_in_a_command_line(place: Place) -> None:
    place.init("dev", "--values", place.gives(ENOUGH), "--part", "teams")
    settings = place.settings("dev")
    secrets = [
        *(ACCOUNT["accessKey"], ACCOUNT["secretKey"]),
        settings["operators"]["sshPrivateKey"].splitlines()[3],
        settings["gamemaster"]["hostKey"]["private"].splitlines()[3],
        settings["gamemaster"]["dnsUpdateKey"],
        *settings["rancher"].values(),
        *settings["observability"].values(),
        *(settings["delivery"][key] for key in ("masterKey", "signingPassword")),
        settings["delivery"]["signingKey"].splitlines()[1],
    ]
    assert len(set(secrets)) == len(secrets) == 12
    seen = place.file("dev").read_text() + "\n".join(place.calls)
    assert not [secret for secret in secrets if secret in seen]


def test_few_calls_of_the_engine_make_an_environment(place: Place) -> None:
    place.init("dev", "--values", place.gives(ENOUGH))
    assert [call.partition(" --")[0] for call in place.calls] == ["config", "stack select", "config set-all", "config"]


def test_a_key_keeps_its_last_line_end(place: Place) -> None:
    place.init("dev", "--values", place.gives(ENOUGH))
    assert place.settings("dev")["operators"]["sshPrivateKey"].endswith("-----END OPENSSH PRIVATE KEY-----\n")


def test_it_may_be_run_again_and_replaces_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.init("dev", "--values", place.gives(ENOUGH))
    before = place.file("dev").read_text()
    capsys.readouterr()
    other = place.gives({"domain": "other.internal", "operators": {"cidrs": ["10.8.0.0/24"]}, "scaleway": OTHER_KEY})
    assert place.init("dev", "--values", other) == 0
    said = capsys.readouterr().out
    assert said.startswith("Stack dev lacked nothing.\nKept: another domain stands already and was not replaced. ")
    assert "  pulumi config set --path domain VALUE --stack dev\n" in said
    assert "  pulumi config set --path --secret scaleway.secretKey --stack dev\n" in said
    assert said.count("Kept") == 2
    assert OTHER_KEY["secretKey"] not in said
    assert place.file("dev").read_text() == before


def test_what_the_project_file_says_by_default_stands_in_nobodys_way(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.init("dev", "--values", place.gives(ENOUGH))
    assert place.init("dev", "--values", place.gives({"subdomain": "autumn"})) == 0
    assert "Kept" not in capsys.readouterr().out
    assert place.settings("dev")["subdomain"] == "autumn"


def test_an_environment_may_come_in_pieces(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.init("dev") == 2
    said = capsys.readouterr().out
    for key in ("domain", "operators.cidrs", "scaleway.projectId", "scaleway.accessKey", "scaleway.secretKey"):
        assert f"shambhala:{key}: is missing" in said
    made = place.settings("dev")["operators"]["sshPrivateKey"]
    assert place.init("dev", "--values", place.gives(ENOUGH)) == 0
    assert place.settings("dev")["operators"]["sshPrivateKey"] == made
    assert place.settings("dev")["boards"]["blue"]["apiCidrs"] == ["10.8.0.0/24"]


def test_options_and_a_yaml_file_are_taken_and_several_networks_in_one(place: Place) -> None:
    scaleway = {"accessKey": ACCOUNT["accessKey"], "secretKey": ACCOUNT["secretKey"]}
    options = {
        "--domain": "games.internal",
        "--parent-zone": "scaleway",
        "--operators": "10.8.0.0/24, 10.8.1.0/24",
        "--players": "10.8.2.0/24",
        "--project-id": ACCOUNT["projectId"],
        "--values": place.gives(yaml.safe_dump({"scaleway": scaleway, "domain": None})),
    }
    assert place.init("dev", *[word for option in options.items() for word in option]) == 0
    settings = parse(place.settings("dev"), "dev")
    assert settings.parent_zone == "scaleway"
    assert settings.operators.cidrs == ("10.8.0.0/24", "10.8.1.0/24")
    assert settings.players.cidrs == ("10.8.2.0/24",)


def test_values_may_come_by_standard_input(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(ENOUGH)))
    assert place.init("dev", "--values", "-") == 0


def test_text_that_looks_like_a_number_stays_text(place: Place) -> None:
    pool = {"nodeType": "PRO2-XXS", "size": 2, "labels": {"example.org/spot": "true", "generation": "2"}}
    board: dict[str, object] = {
        "kubernetesVersion": "1.36",
        "subnet": "10.21.0.0/22",
        "pools": {"main": pool},
        "apiCidrs": ["10.8.0.0/24"],
    }
    board["autoUpgrade"] = {"day": "any", "startHour": 3}
    own = {**ENOUGH, "boards": {"green": board}, "activeBoard": "green"}
    assert place.init("dev", "--values", place.gives(own)) == 0
    assert parse(place.settings("dev"), "dev").board.pools["main"].labels == {
        "example.org/spot": "true",
        "generation": "2",
    }
    assert place.settings("dev")["boards"] == {"green": board}


def test_teams_get_all_that_can_be_made(place: Place) -> None:
    (place.project / "teams.txt").write_text("red: ada, bob\n")
    place.init("dev", "--values", place.gives(ENOUGH), "--teams-file", "teams.txt")
    delivery = place.settings("dev")["delivery"]
    assert set(delivery) == {"masterKey", "signingKey", "signingPassword"}
    assert delivery["signingKey"].startswith("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")


@pytest.mark.parametrize("wrong", ["10.8.0.7", ["10.8.0.7"], ["10.8.0.0/24", 7]])
def test_a_wrong_network_is_not_copied_and_correcting_it_heals_all(
    place: Place, capsys: pytest.CaptureFixture[str], wrong: object
) -> None:
    place.holds("dev", {"operators": {"cidrs": wrong}})
    assert place.init("dev") == 2
    assert "shambhala:operators.cidrs" in capsys.readouterr().out
    assert "apiCidrs" not in place.file("dev").read_text()
    place.pulumi("config", "rm", "--path", "operators.cidrs", "--stack", "dev")
    place.pulumi("config", "set", "--path", "operators.cidrs[0]", "10.8.0.0/24", "--stack", "dev")
    assert place.init("dev") == 2
    assert "shambhala:operators.cidrs" not in capsys.readouterr().out
    assert place.settings("dev")["boards"]["blue"]["apiCidrs"] == ["10.8.0.0/24"]


@pytest.mark.parametrize("boards", ["blue", ["blue"], {"blue": "small"}])
def test_boards_that_are_none_are_told_about(place: Place, capsys: pytest.CaptureFixture[str], boards: object) -> None:
    place.holds("dev", {"boards": boards})
    assert place.init("dev", "--operators", "10.8.0.0/24") == 2
    assert "shambhala:boards" in capsys.readouterr().out


def test_samples_are_named_once_each(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    given = {**ENOUGH, "domain": "example.org", "operators": {"cidrs": ["203.0.113.0/24"]}}
    assert place.init("dev", "--values", place.gives(given)) == 0
    said = capsys.readouterr().out
    command = "pulumi config set --path domain VALUE --stack dev"
    assert f"Warning: example.org is a sample and leads nowhere. To replace it:\n  {command}\n" in said
    assert "  pulumi config set --path 'operators.cidrs[0]' VALUE --stack dev\n" in said
    assert "  pulumi config set --path 'boards.blue.apiCidrs[0]' VALUE --stack dev\n" in said
    assert "Warning: 203.0.113.0/24 is a sample" in said
    assert said.count("Warning") == 2


def test_a_rehearsal_may_have_samples(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    given = {**ENOUGH, "domain": "example.org", "scaleway": {**ACCOUNT, "apiUrl": "http://127.0.0.1:8080"}}
    assert place.init("rehearsal-two", "--values", place.gives(given)) == 0
    assert "Warning" not in capsys.readouterr().out
    assert place.settings("rehearsal-two")["environment"] == "rehearsal"


def test_a_stack_may_be_named_in_full(place: Place) -> None:
    assert place.init("organization/shambhala/dev", "--values", place.gives(ENOUGH)) == 0
    assert place.stacks == ["dev"]


def test_make_takes_the_file_from_its_command_line_and_the_environment(place: Place, tmp_path: Path) -> None:
    for arguments, environment in ([f"VALUES={tmp_path}/a b"], {}), ([], {"VALUES": f"{tmp_path}/a b"}):
        done = subprocess.run(
            ["make", "--just-print", "init", "STACK=dev", *arguments],
            cwd=ROOT,
            env={**place.environment, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        assert '-m cli init dev --values "$VALUES"' in done.stdout

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from cli import __main__ as cli
from cli.init import completed, new_secrets, starter
from cli.stack import leaves
from common import kinds
from common.fields import Section, settings_of
from common.keys import dns_key, key_pair, password, public_key_of
from common.problems import Place
from common.settings import Settings, parse

ACCOUNT = {
    "projectId": "11111111-2222-4333-8444-555555555555",
    "accessKey": "SCWABCDEFGHJKLMNPQRS",
    "secretKey": "5f1c7b0e-7d53-4a0b-9a35-0c6f8b1f2d11",
}

# Notes its arguments and its input, and gives the configuration that the test laid beside it.
ENGINE = """#!/bin/sh
printf '%s\\n' "$*" >>"$0.arguments"
cat >>"$0.inputs"
case "$*" in
"config --json"*) cat "$0.configuration" ;;
"stack select"*) if [ -e "$0.refuses" ]; then echo "error: no such backend" >&2 && exit 255; fi ;;
esac
"""


class Engine:
    """A program in the engine's place that writes down what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "pulumi"
        self.program.write_text(ENGINE)
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self.holds({})

    def holds(self, configuration: dict[str, Any]) -> None:
        secret = {key for key, kind in settings_of(Settings).items() if kind.secret}
        entries = {
            f"shambhala:{key}": {"objectValue": value, "secret": key in secret} for key, value in configuration.items()
        }
        self._beside("configuration").write_text(json.dumps(entries))

    def refuse(self) -> None:
        self._beside("refuses").touch()

    @property
    def arguments(self) -> str:
        return self._beside("arguments").read_text()

    @property
    def inputs(self) -> str:
        return self._beside("inputs").read_text()

    def _beside(self, what: str) -> Path:
        return self.program.with_name(f"pulumi.{what}")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def prepare(engine: Engine, *arguments: str) -> int:
    return cli.run(["init", *arguments, "--pulumi", str(engine.program), "--project", str(engine.program.parent)])


def test_a_new_environment_lacks_only_the_account() -> None:
    tree = completed({}, starter("staging", "example.org", ["203.0.113.0/24"]), new_secrets())
    tree["scaleway"] |= ACCOUNT
    assert parse(tree, "staging").zone_name == "hunt.example.org"


def test_what_stands_there_is_never_replaced() -> None:
    existing = completed({}, starter("dev", "example.org", ["203.0.113.0/24"]), new_secrets())
    again = completed(existing, starter("dev", "example.net", ["198.51.100.0/24"]), new_secrets())
    assert again == existing


def test_boards_of_the_operators_own_get_no_other_beside_them() -> None:
    own = {"boards": {"green": {"kubernetesVersion": "1.35"}}, "operators": {"cidrs": ["203.0.113.0/24"]}}
    tree = completed(own, starter("dev", "example.org", []), new_secrets())
    assert tree["boards"] == {"green": {"kubernetesVersion": "1.35", "apiCidrs": ["203.0.113.0/24"]}}
    assert "activeBoard" not in tree


def test_half_a_key_pair_is_not_completed_with_another_ones_half() -> None:
    tree = completed({"operators": {"sshPublicKey": "ssh-ed25519 mine"}}, starter("dev", None, []), new_secrets())
    assert tree["operators"] == {"sshPublicKey": "ssh-ed25519 mine"}


def test_rancher_needs_nothing_but_to_be_enabled() -> None:
    tree = completed({"rancher": {"enabled": True}}, starter("dev", "example.org", ["203.0.113.0/24"]), new_secrets())
    tree["scaleway"] |= ACCOUNT
    rancher = parse(tree, "dev").rancher
    assert rancher.bootstrap_password != rancher.admin_password


def test_delivery_gets_its_key_where_the_operator_has_begun_with_it() -> None:
    begin = starter("dev", "example.org", [])
    assert "delivery" not in completed({}, begin, new_secrets())
    own = completed({"delivery": {"registry": "registry.example.org/game"}}, begin, new_secrets())["delivery"]
    assert own["registry"] == "registry.example.org/game"
    assert kinds.dns_key.read(own["masterKey"], Place("dev", []))
    kept = completed({"delivery": {"masterKey": "mine"}}, begin, new_secrets())
    assert kept["delivery"] == {"masterKey": "mine"}


def test_secrets_are_told_from_plain_settings_at_any_depth() -> None:
    tree = completed({"scaleway": ACCOUNT}, starter("dev", "example.org", ["203.0.113.0/24"]), new_secrets())
    assert {path for path, _, secret in leaves(tree, kind=Section(Settings)) if secret} == {
        "scaleway.accessKey",
        "scaleway.secretKey",
        "operators.sshPrivateKey",
        "gamemaster.hostKey.private",
        "gamemaster.dnsUpdateKey",
        "rancher.bootstrapPassword",
        "rancher.adminPassword",
        "observability.grafanaAdminPassword",
        "observability.lokiPassword",
    }


def test_a_name_with_a_dot_is_one_step_of_a_path() -> None:
    assert [path for path, _, _ in leaves({"labels": {"example.org/role": "game"}})] == ['labels["example.org/role"]']


def test_secrets_reach_the_engine_by_standard_input_only(engine: Engine, tmp_path: Path) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"scaleway": ACCOUNT}))
    prepare(engine, "dev", "--domain", "example.org", "--values", str(values))
    assert ACCOUNT["secretKey"] in engine.inputs
    assert engine.inputs.count("BEGIN OPENSSH PRIVATE KEY") == 2
    assert ACCOUNT["secretKey"] not in engine.arguments
    assert ACCOUNT["accessKey"] not in engine.arguments
    assert "PRIVATE KEY" not in engine.arguments
    assert "--plaintext=domain=example.org" in engine.arguments


def test_it_says_what_is_left_to_fill_in(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.holds(completed({}, starter("dev", "example.org", ["203.0.113.0/24"]), new_secrets()))
    assert prepare(engine, "dev") == 2
    said = capsys.readouterr().out
    assert "Stack dev lacked nothing." in said
    assert "shambhala:scaleway.projectId: is missing; it must be a UUID" in said
    assert said.count("is missing") == 3


def test_the_operators_network_may_reach_a_board_that_says_nothing_of_it(engine: Engine) -> None:
    engine.holds({"boards": {"green": {"kubernetesVersion": "1.35"}}})
    prepare(engine, "dev", "--operators", "203.0.113.0/24")
    assert "--plaintext=boards.green.apiCidrs[0]=203.0.113.0/24" in engine.arguments


def test_a_complete_environment_is_left_as_it_is(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    begin = starter("dev", "example.org", ["203.0.113.0/24"])
    engine.holds(completed({"scaleway": ACCOUNT}, begin, new_secrets()))
    assert prepare(engine, "dev") == 0
    assert "config set" not in engine.arguments
    said = capsys.readouterr().out
    assert said.startswith("Stack dev lacked nothing.\nIts names will end in hunt.example.org. Next: ")


def test_a_secret_that_stands_in_plain_text_is_left_to_set(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    begin = starter("dev", "example.org", ["203.0.113.0/24"])
    engine.holds(completed({"scaleway": ACCOUNT}, begin, new_secrets()))
    plain = {"config": {"shambhala:scaleway": {**ACCOUNT, "accessKey": {"secure": "v1:x"}}}}
    engine.program.with_name("Pulumi.yaml").write_text("name: shambhala")
    engine.program.with_name("Pulumi.dev.yaml").write_text(json.dumps(plain))
    assert prepare(engine, "dev") == 2
    said = capsys.readouterr().out
    assert "shambhala:scaleway.secretKey = (hidden): stands in plain text and must be encrypted" in said
    assert said.count("shambhala:") == 1
    assert ACCOUNT["secretKey"] not in said


def test_a_stack_may_have_another_name(engine: Engine) -> None:
    prepare(engine, "rehearsal", "--stack", "rehearsal-two")
    assert "stack select --create rehearsal-two" in engine.arguments


def test_what_the_engine_says_is_passed_on(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.refuse()
    assert prepare(engine, "dev") == 1
    assert capsys.readouterr().err == "error: 'pulumi stack select' failed: error: no such backend\n"


def test_a_missing_engine_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["init", "dev", "--pulumi", str(tmp_path / "none"), "--project", str(tmp_path)]) == 1
    assert capsys.readouterr().err.endswith("/none is not there: install Pulumi or name it with --pulumi.\n")


def test_an_unknown_environment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["init", "prod"]) == 2
    assert "'prod' is not one of 'dev'" in capsys.readouterr().err


def test_new_keys_are_new_each_time_and_whole() -> None:
    pair = key_pair()
    assert public_key_of(pair.private) == pair.public
    assert len({key_pair().public, key_pair().public, dns_key(), dns_key(), password(), password()}) == 6
    assert "PRIVATE" not in repr(pair)

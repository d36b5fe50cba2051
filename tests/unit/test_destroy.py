"""What `destroy` asks and checks before anything is touched, and what it takes out of a state."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scaleway import Client

from cli import __main__ as cli
from cli import backup
from cli.destroy import destroy_checks, destroy_command
from cli.destroy.destroy_checks import DestroyError, check_api_keys, check_operations
from cli.destroy.lost_hosts import Hosts
from cli.init.starting_values import completed
from cli.leftovers.survey import Leftover, Survey
from common.settings import Scaleway, Secret, Settings
from tests.unit.test_init import GIVEN

# Notes what it is asked, and gives what the test laid beside it; a destroy empties the state.
ENGINE = """#!/bin/sh
printf '%s\\n' "$*" >>"$0.arguments"
case "$*" in
"config --json"*) cat "$0.configuration" ;;
"destroy --help"*) cat "$0.help" ;;
"stack export"*) cat "$0.state" ;;
"stack output"*) echo '{}' ;;
"stack import"*) cat >"$0.state" ;;
"destroy --yes"*) echo 'deleted all'; echo '{"deployment": {}}' >"$0.state"; exit "$(cat "$0.status")" ;;
esac
"""
BILLED = Leftover("Kubernetes", "cluster", "shambhala-dev-blue", "fr-par/1", "fr-par", None, "has the tag")


class Engine:
    """A program in the engine's place, with the stack `dev`."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "pulumi"
        self.program.write_text(ENGINE)
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        values = {f"shambhala:{key}": {"objectValue": value} for key, value in completed(GIVEN, "dev").items()}
        self.lay("configuration", json.dumps(values))
        self.lay("help", "  --ignore-protect   Ignore the protect resource option")
        self.lay("status", "0")
        self.hold({"urn": "urn::cluster", "type": "scaleway:kubernetes/cluster:Cluster", "id": "fr-par/1"})

    def lay(self, what: str, text: str) -> None:
        self.program.with_name(f"pulumi.{what}").write_text(text)

    def hold(self, *resources: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> None:
        self.lay("state", json.dumps({"deployment": {"resources": resources, "pending_operations": pending}}))

    @property
    def destroyed(self) -> bool:
        return "destroy --yes --skip-preview --ignore-protect --stack dev" in self.asked

    @property
    def asked(self) -> str:
        return self.program.with_name("pulumi.arguments").read_text()

    def destroy(self, *options: str) -> int:
        return cli.run(
            ["destroy", "dev", "--pulumi", str(self.program), "--project", str(self.program.parent), *options]
        )


@pytest.fixture
def left() -> list[Leftover]:
    """What is left at Scaleway after the engine has ended."""
    return []


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: list[Leftover]) -> Engine:
    """The engine's place, and a Scaleway at which every host answers."""

    def accepted(_state: object, _account: Scaleway, _stack: str) -> None:
        """Takes every API key."""

    def answering(_state: object, _client: Client) -> Hosts:
        return Hosts({}, [])

    def standing(_settings: Settings, _known: object) -> Survey:
        return Survey(left if made.destroyed else [BILLED], [])

    monkeypatch.setattr(destroy_command, "check_api_keys", accepted)
    monkeypatch.setattr(destroy_command, "look_at_hosts", answering)
    monkeypatch.setattr(destroy_command, "survey", standing)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = Engine(tmp_path)
    return made


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Somebody sits at a terminal and types this."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def typed(_question: str) -> str:
        return text

    monkeypatch.setattr("builtins.input", typed)


def test_only_the_environments_name_destroys_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, "yes")
    assert engine.destroy() == 1
    said = capsys.readouterr().out
    assert "That is another name: nothing was touched." in said
    assert "To be destroyed: the environment dev" in said
    assert "Kubernetes: cluster" in said
    assert not engine.destroyed
    answer(monkeypatch, "dev")
    assert engine.destroy() == 0
    assert engine.destroyed


def test_without_a_terminal_the_name_is_given_with_the_command(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.destroy() == 1
    assert "'make destroy STACK=dev OPTIONS=\"--yes-destroy dev\"' asks nothing" in capsys.readouterr().err
    assert engine.destroy("--yes-destroy", "production") == 1
    assert "the stack dev is the environment dev, not production" in capsys.readouterr().err
    assert not engine.destroyed


def test_what_is_left_is_a_table_and_a_failure(
    engine: Engine, left: list[Leftover], capsys: pytest.CaptureFixture[str]
) -> None:
    left.append(BILLED)
    assert engine.destroy("--yes-destroy", "dev") == 1
    assert "shambhala-dev-blue" in capsys.readouterr().out


def test_what_stays_on_purpose_is_said(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert engine.destroy("--yes-destroy", "dev", "--no-backup") == 0
    said = capsys.readouterr().out
    assert "No backup is saved: what the game master keeps is lost for good." in said
    assert "Nothing of the environment dev is left at Scaleway." in said
    assert "'pulumi stack rm dev' removes it" in said


def test_an_engine_that_fails_is_told_what_next(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.lay("status", "255")
    assert engine.destroy("--yes-destroy", "dev") == 1
    assert "'make destroy STACK=dev' goes on where it stopped" in capsys.readouterr().err


def test_an_engine_that_cannot_ignore_protection_is_too_old(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.lay("help", "  --exclude-protected")
    assert engine.destroy("--yes-destroy", "dev") == 1
    assert "install Pulumi 3.256 or newer. Nothing was touched." in capsys.readouterr().err
    assert not engine.destroyed


def test_a_creation_that_was_cut_off_is_recovered_first() -> None:
    def state(kind: str) -> dict[str, Any]:
        return {
            "deployment": {
                "pending_operations": [{"type": kind, "resource": {"urn": "urn::a-cluster", "type": "a:b:C"}}]
            }
        }

    with pytest.raises(DestroyError, match=r"created a-cluster.*'make recover STACK=dev' first"):
        check_operations(state("creating"), (), "dev")
    # Whether it came about or not: it went with its host.
    check_operations(state("creating"), {"urn::a-cluster"}, "dev")
    # The engine does these again by itself, as after a destroy that was killed.
    check_operations(state("deleting"), (), "dev")


def test_the_api_key_in_the_state_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Scaleway(
        region="fr-par",
        zone="fr-par-1",
        project_id="11111111-2222-4333-8444-555555555555",
        access_key=Secret("SCWSETTINGS000000000"),
        secret_key=Secret("21111111-2222-4333-8444-555555555555"),
    )
    inputs = {
        "accessKey": {"plaintext": json.dumps("SCWSTATE000000000000")},
        "secretKey": {"plaintext": json.dumps("31111111-2222-4333-8444-555555555555")},
    }
    provider = {"urn": "urn::scaleway", "type": destroy_checks.PROVIDER, "inputs": inputs}
    state: dict[str, Any] = {"deployment": {"resources": [provider]}}
    ends: dict[str, datetime] = {}

    class Keys:
        def __init__(self, client: Client) -> None:
            self.client = client

        def get_api_key(self, *, access_key: str) -> SimpleNamespace:
            assert access_key == self.client.access_key
            return SimpleNamespace(expires_at=ends.get(access_key))

    monkeypatch.setattr(destroy_checks, "IamV1Alpha1API", Keys)
    check_api_keys(state, account, "dev")
    ends["SCWSTATE000000000000"] = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(DestroyError, match="the API key in the state expires at 2020-01-01 00:00 UTC"):
        check_api_keys(state, account, "dev")


def test_a_backup_without_a_place_goes_out_of_the_clone_and_is_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    archive = backup.new_archive("company/shambhala/dev")
    assert archive.parent == tmp_path / "shambhala" / "backups"
    assert archive.name.startswith("backup-company-shambhala-dev-2")
    assert archive.parent.stat().st_mode & 0o777 == 0o700

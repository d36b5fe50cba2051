"""`preview` and `up` and their costs, with a program in the engine's place that only says how it was called."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from cli import __main__ as cli
from cli import update
from cli.cost.cost_command import CostError
from cli.init.starting_values import completed
from common.settings import Settings
from tests.unit.test_backup import GIVEN

ENGINE = """#!/bin/sh
case "$*" in
"config --json"*) cat "$0.configuration" ;;
"stack export"*) cat "$0.state" ;;
*) echo "$* ${SSH_AUTH_SOCK-no agent}" >>"$0.called"; exit "$(cat "$0.status")" ;;
esac
"""


class Engine:
    """The program, and how it was called."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "pulumi"
        self.program.write_text(ENGINE)
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self.set()
        self.ends_with(0)
        self.holds()

    def holds(self, *resources: object) -> None:
        """Resources that the stack's state holds."""
        state = {"version": 3, "deployment": {"resources": resources}}
        self.program.with_name("pulumi.state").write_text(json.dumps(state))

    def set(self, **changes: object) -> None:
        settings = {**completed(GIVEN, "dev"), **changes}
        entries = {f"shambhala:{key}": {"objectValue": value, "secret": True} for key, value in settings.items()}
        self.program.with_name("pulumi.configuration").write_text(json.dumps(entries))

    def ends_with(self, status: int) -> None:
        self.program.with_name("pulumi.status").write_text(str(status))

    def called(self) -> list[str]:
        file = self.program.with_name("pulumi.called")
        return file.read_text().splitlines() if file.exists() else []

    def run(self, *arguments: str) -> int:
        own = ("--pulumi", str(self.program), "--project", str(self.program.parent))
        return cli.run([*arguments, *own])


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    return Engine(tmp_path)


@pytest.fixture
def too_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_settings: Settings, _stack: str) -> None:
        raise CostError("a day may cost 61.00 €")

    monkeypatch.setattr(update, "check_bound", refuse)


def test_an_update_previews_and_asks(engine: Engine) -> None:
    assert engine.run("up", "dev") == 0
    assert engine.called() == ["up --stack dev no agent"]
    assert os.environ["SSH_AUTH_SOCK"]


def test_an_update_that_costs_too_much_does_not_begin(
    engine: Engine, too_dear: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.run("up", "dev") == 1
    assert engine.called() == []
    assert capsys.readouterr().err == "error: a day may cost 61.00 €\n"


def test_an_update_that_is_told_begins_all_the_same(engine: Engine, too_dear: None) -> None:
    assert engine.run("up", "dev", "--allow-cost", "--skip-preview") == 0
    assert engine.called() == ["up --skip-preview --yes --stack dev no agent"]


@pytest.mark.parametrize("command", ["up", "preview"])
def test_a_change_that_would_lose_a_cluster_does_not_reach_the_engine(
    engine: Engine, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = "scaleway:kubernetes/cluster:Cluster"
    urn = f"urn:pulumi:dev::shambhala::{cluster}::board-gone-kapsule-cluster"
    engine.holds({"urn": urn, "type": cluster, "inputs": {}, "protect": True})
    assert engine.run(command, "dev") == 1
    assert engine.called() == []
    assert "shambhala:boards.gone: is gone from the settings" in capsys.readouterr().err


def test_a_preview_is_followed_by_the_costs_and_stands_without_them(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def no_prices(_settings: Settings, days: int) -> None:
        asked.append(days)
        raise CostError("Scaleway's prices cannot be had")

    monkeypatch.setattr(update, "print_bill", no_prices)
    assert engine.run("preview", "dev", "--days", "3") == 0
    assert (engine.called(), asked) == (["preview --stack dev no agent"], [3])
    assert "Scaleway's prices cannot be had" in capsys.readouterr().err


def test_a_preview_that_fails_has_no_costs(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "print_bill", pytest.fail)
    engine.ends_with(255)
    assert engine.run("preview", "dev") == 255


def test_without_an_engine_it_says_what_to_do(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["preview", "dev", "--pulumi", str(engine.program.with_name("none"))]) == 1
    assert "install Pulumi (https://www.pulumi.com/docs/install/), or name it with --pulumi" in capsys.readouterr().err

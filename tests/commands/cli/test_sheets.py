"""The teams' sheets: what is printed, from what the stack gives out, and for whose eyes."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from cli import __main__ as cli
from cli.sheets.sheets_command import page, team_sheets
from game_app.scm.gitea.gitea_accounts import account_password
from game_app.services.hunt.codes import team_code
from tests.support import programs
from tests.support.monitor import run

CLUSTER = {"server": "https://192.0.2.30:6443", "certificate-authority-data": "Q0E="}
KUBECONFIG = yaml.safe_dump({"clusters": [{"name": "blue", "cluster": CLUSTER}], "users": [{"name": "admin"}]})


def team(name: str, **accounts: str) -> Mapping[str, Any]:
    return {
        "page": "http://play.hunt.example.org/",
        "git": "http://git.hunt.example.org/",
        "code": f"code-of-{name}",
        "repository": f"game/team-{name}",
        "namespace": f"team-{name}",
        "token": f"token-of-{name}",
        "accounts": accounts,
    }


OUTPUTS: Mapping[str, Any] = {
    "kubeconfig": KUBECONFIG,
    "teams": {"red": team("red", ada="pass-1", grace="pass-2"), "blue": team("blue", linus="pass-3")},
}


# Gives the outputs that the test laid beside it, and hides them from whoever does not ask for secrets.
ENGINE = """#!/bin/sh
case "$*" in
"stack output --json --show-secrets --stack dev --non-interactive") cat "$0.outputs" ;;
*) exit 1 ;;
esac
"""


def written(folder: Path, outputs: object, to: Path | None = None) -> int:
    engine = folder / "pulumi"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    (folder / "pulumi.outputs").write_text(json.dumps(outputs))
    where = ("--folder", str(to or folder / "sheets"))
    return cli.run(["sheets", "dev", *where, "--pulumi", str(engine), "--project", str(folder)])


def test_each_team_has_a_page_of_its_own_with_all_that_it_needs(tmp_path: Path) -> None:
    assert written(tmp_path, OUTPUTS) == 0
    text = (tmp_path / "sheets" / "sheets.html").read_text()
    pages = text.split("<section ")[1:]
    assert len(pages) == 2
    blue, red = pages
    for part in ("http://play.hunt.example.org/", "code-of-red", "http://git.hunt.example.org/game/team-red"):
        assert part in red
    for part in ("ada", "pass-1", "grace", "pass-2", "team-red", "red.kubeconfig"):
        assert part in red
    assert "pass-3" not in red
    assert "pass-1" not in blue
    # What is long and cannot be typed is not printed.
    assert "token-of-red" not in text


def test_a_teams_kubeconfig_lets_its_players_look_and_holds_nothing_of_the_operators(tmp_path: Path) -> None:
    written(tmp_path, OUTPUTS)
    config = yaml.safe_load((tmp_path / "sheets" / "red.kubeconfig").read_text())
    assert config["clusters"] == [{"name": "board", "cluster": CLUSTER}]
    assert config["users"] == [{"name": "players", "user": {"token": "token-of-red"}}]
    assert config["contexts"][0]["context"]["namespace"] == "team-red"
    assert config["current-context"] == "red"


def test_only_its_owner_reads_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir(mode=0o755)
    written(tmp_path, OUTPUTS)
    assert stat.S_IMODE((tmp_path / "sheets").stat().st_mode) == 0o700
    for file in (tmp_path / "sheets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_what_stands_on_a_sheet_is_what_the_program_gives_out() -> None:
    found: dict[str, Any] = {}

    def program() -> None:
        game = programs.game_app_with_delivery()
        pulumi.Output.unsecret(game.teams).apply(found.update)

    graph = run(program, preview=False)
    key = graph["game-hunt-secrets"].inputs["stringData"]["key"]
    made = {sheet.team: sheet for sheet in team_sheets({"teams": found})}
    assert set(made) == {"red", "blue"}
    assert made["red"].code == team_code(key, "red")
    assert made["red"].page == "http://play.hunt.example.org/"
    assert made["red"].repository == "http://git.hunt.example.org/game/team-red"
    passwords = {account.name: account.password for account in made["red"].accounts}
    assert passwords == {name: account_password(programs.MASTER_KEY, name) for name in ("ada", "grace")}


def test_a_sheet_shows_names_and_obeys_none() -> None:
    odd = {"teams": {"red": team("red", **{"<b>ada</b>": "a&b"})}}
    text = page(team_sheets(odd))
    assert "<b>ada" not in text
    assert "a&amp;b" in text


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({}, "run 'make up STACK=…' first"),
        ({"teams": {}}, "no team plays: name them under shambhala:teams"),
    ],
)
def test_without_teams_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], outputs: object, said: str
) -> None:
    assert written(tmp_path, outputs) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "sheets").exists()


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("a file")
    assert written(tmp_path, OUTPUTS, to=tmp_path / "taken") == 1
    assert "taken cannot be written (File exists): name another with --folder" in capsys.readouterr().err

"""Settings of a game at GitHub: what goes together, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.settings import parse
from tests.support.example import MISSING, complete, spoiled
from tests.unit.wrong_settings import refusal

ROOT = Path(__file__).parents[2]


AT_GITHUB: dict[str, object] = {
    "organization": "hunters",
    "account": "hunt-operators",
    "token": 40 * "w",
    "readerToken": 40 * "y",
    "mergeToken": 40 * "z",
    "clientId": "Ov23liAbCdEfGhIjKlMn",
    "clientSecret": 40 * "d",
}


def at_github(**changes: object) -> dict[str, object]:
    given = {key: value for key, value in {**AT_GITHUB, **changes}.items() if value is not MISSING}
    return {"delivery.scm": "github", "delivery.github": given}


def test_at_github_players_reach_drone_and_no_gitea() -> None:
    settings = parse(spoiled(at_github()), "dev")
    assert settings.hosts == ("start", "grafana", "builds")
    assert settings.delivery.github
    assert settings.delivery.github.web_url == "https://github.com"
    assert not any(40 * letter in repr(settings) for letter in "wyzd")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("organization", "Hunters", "must be a name at GitHub in small letters"),
        ("organization", "hunters--club", "must be a name at GitHub in small letters"),
        ("account", MISSING, "is missing"),
        ("token", "hunter2", "must be a token of GitHub's"),
        ("readerToken", 40 * "w", "must not be token too, which may do more"),
        ("readerToken", 40 * "z", "must not be mergeToken too, which may do more"),
        ("mergeToken", 40 * "w", "must not be token too, which may do more"),
        ("clientId", "drone", "must be the client ID of an OAuth application"),
        ("clientSecret", 40 * "x", "must be the client secret of an OAuth application"),
        ("apiUrl", "https://github.com", "must be 'https://api.github.com'"),
        ("apiUrl", "http://code.example.org/api/v3", "or 'https://HOST/api/v3'"),
        ("apiUrl", "https://me:secret@code.example.org/api/v3", "or 'https://HOST/api/v3'"),
        ("cidrs", [], "must be a list of at least 1"),
    ],
    ids=lambda value: f"{value!s:.24}" if value is not MISSING else "left out",
)
def test_a_wrong_setting_of_github_is_refused_and_no_token_shown(key: str, value: object, allowed: str) -> None:
    error = refusal(at_github(**{key: value}))
    assert [problem.key for problem in error.problems] == [f"delivery.github.{key}"]
    assert allowed in error.problems[0].allowed
    assert not any(40 * letter in str(error) for letter in "wyzdx")


def test_a_companys_own_github_has_networks_of_its_own() -> None:
    [problem] = refusal(at_github(apiUrl="https://code.example.org/api/v3")).problems
    assert problem.key == "delivery.github.cidrs"
    parse(spoiled(at_github(apiUrl="https://code.example.org/api/v3", cidrs=["192.0.2.0/24"])), "dev")


def test_githubs_package_is_asked_for_only_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.settings.delivery.find_spec", {"pulumi": "there"}.get)
    parse(complete(), "dev")
    [problem] = refusal(at_github()).problems
    assert str(problem) == (
        'delivery.scm = "github": needs the package pulumi-github, which is installed only where it is used\n'
        "      .venv/bin/pip install -r requirements-github.txt"
    )


def test_what_every_environment_installs_has_no_package_of_github() -> None:
    wanted = {name: (ROOT / name).read_text() for name in ("requirements.txt", "requirements-github.txt")}
    assert ["pulumi-github" in text for text in wanted.values()] == [False, True]


PLAYER = "teams.list[0].players[0]"
MANY = [{"name": f"t{number}", "players": [f"p{number}"]} for number in range(100)]


@pytest.mark.parametrize(
    ("changes", "key", "allowed"),
    [
        ({"delivery.scm": "github"}, "delivery.github", "must be given where delivery.scm is github"),
        ({"delivery.github": AT_GITHUB}, "delivery.github", "must be left out where delivery.scm is gitea"),
        ({"delivery.scm": "gitlab"}, "delivery.scm", "must be one of gitea, github"),
        (
            {**at_github(), "certificates.authority": "none", "rancher.enabled": False},
            "certificates.authority",
            "must be an authority where delivery.scm is github",
        ),
        ({**at_github(), "teams.list[0].players[0]": "ada.lovelace"}, PLAYER, "must be a player's own account"),
        ({**at_github(), "teams.list[0].players[0]": "hunt-operators"}, PLAYER, "not the operators'"),
        ({**at_github(), "teams.list": MANY}, "gameApp.checkSeconds", "must be at least 27 for so many teams"),
    ],
    ids=["no organisation", "both", "another", "no certificate", "no login", "the operators'", "too often"],
)
def test_what_does_not_go_together_with_github_is_named(changes: dict[str, object], key: str, allowed: str) -> None:
    [problem] = refusal(changes).problems
    assert problem.key == key
    assert allowed in problem.allowed

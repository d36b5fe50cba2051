"""Accounts at the real Gitea: who a player is stays what the set-up made, and one fault does not stop the set-up."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Generator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from game_app.scm.gitea.gitea_accounts import account_password
from game_app.services.setup.service_client import ServiceClient
from game_app.services.setup.setup_faults import SetupError
from local_game.delivery_site import DeliverySite
from tests.services.gitea_alone import gitea_alone, set_up

# Long enough for Gitea to be built first.
pytestmark = pytest.mark.timeout(900)
PASSWORD: Final = "a-password-of-their-own-1"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[DeliverySite]:
    with gitea_alone(tmp_path_factory.mktemp("gitea-alone")) as raised:
        yield raised


class Browser:
    """A player at Gitea's own pages."""

    def __init__(self, site: DeliverySite, name: str) -> None:
        # Gitea marks its cookies for TLS, and is asked beside it.
        cookies = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
        self._url = site.gitea.url
        self.send("/user/login", {"user_name": name, "password": account_password(site.master, name)})
        assert self.name() == name

    def name(self) -> str:
        """Name that the account's own page shows; empty where it shows none."""
        with self._opener.open(self._url + "/user/settings", timeout=30) as shown:
            found = re.search(r'<input[^>]* name="name"[^>]* value="([^"]*)"', shown.read().decode())
        return found[1] if found else ""

    def send(self, path: str, form: Mapping[str, str]) -> int:
        """Send a form as a page of Gitea's would, from the same origin. Gives the status."""
        request = urllib.request.Request(  # noqa: S310 - the address of the Gitea that the test began
            self._url + path, urlencode(form).encode(), {"Sec-Fetch-Site": "same-origin", "Origin": self._url}
        )
        try:
            # It leads to the public address, which is nowhere here.
            with self._opener.open(request, timeout=30) as shown:
                return int(shown.status)
        except HTTPError as error:
            error.close()
            return error.code


def logins(site: DeliverySite) -> set[str]:
    return {str(each["login"]) for each in site.as_operator().all("/admin/users")}


@pytest.mark.parametrize("name", ["later-1", "Grace"])
def test_a_player_cannot_take_another_name(site: DeliverySite, name: str) -> None:
    before = logins(site)
    Browser(site, "grace").send("/user/settings", {"name": name, "full_name": "", "visibility": "0"})
    assert logins(site) == before


def test_a_player_cannot_delete_the_account(site: DeliverySite) -> None:
    password = account_password(site.master, "grace")
    Browser(site, "grace").send("/user/settings/account/delete", {"password": password})
    assert "grace" in logins(site)


def test_a_player_cannot_take_the_address_that_a_later_players_account_will_have(site: DeliverySite) -> None:
    own = site.as_player("linus")
    with pytest.raises(SetupError):
        own.ask("POST", "/user/emails", {"emails": ["later-2@players.invalid"]})
    Browser(site, "linus").send("/user/settings/account/email", {"email": "later-2@players.invalid"})
    assert {each["email"] for each in own.all("/user/emails")} == {"linus@players.invalid"}


def test_a_players_password_stays_what_the_sheet_says(site: DeliverySite) -> None:
    given = account_password(site.master, "linus")
    form = {"old_password": given, "password": PASSWORD, "retype": PASSWORD}
    Browser(site, "linus").send("/user/settings/account", form)
    with pytest.raises(SetupError):
        ServiceClient.by_password(f"{site.gitea.url}/api/v1", "linus", PASSWORD).ask("GET", "/user")
    assert site.as_player("linus").get("/user")["login"] == "linus"


def test_names_are_the_same_whatever_their_case(site: DeliverySite) -> None:
    site.as_operator().ask("POST", "/admin/users/gold-1/rename", {"new_username": "Gold-1"})
    try:
        set_up(site)
        assert "Gold-1" in {each["login"] for each in site.as_operator().all("/repos/game/team-gold/collaborators")}
    finally:
        site.as_operator().ask("POST", "/admin/users/Gold-1/rename", {"new_username": "gold-1"})


def test_who_leaves_the_settings_is_locked_out_and_let_in_on_return(site: DeliverySite) -> None:
    plan = json.loads((site.folder / "plan.json").read_text())
    operator, token = site.as_operator(), "a-token-of-their-own"
    by_hand = {"username": "helper", "email": "helper@example.org", "password": PASSWORD, "must_change_password": False}
    operator.ask("POST", "/admin/users", by_hand)
    _, made = site.as_player("ada").ask(
        "POST", "/users/ada/tokens", {"name": token, "scopes": ["read:user", "read:repository"]}
    )
    own, browser = ServiceClient.by_token(f"{site.gitea.url}/api/v1", made["sha1"]), Browser(site, "ada")
    repositories = [{**each, "readers": [*{*each["readers"]} - {"ada"}]} for each in plan["repositories"]]
    passwords = {name: given for name, given in plan["passwords"].items() if name != "ada"}
    set_up(site, passwords=passwords, repositories=repositories)
    assert "ada" not in {each["login"] for each in operator.all("/repos/game/team-red/collaborators")}
    for client in (own, site.as_player("ada")):
        with pytest.raises(SetupError):
            client.ask("GET", "/user")
    assert browser.name() == ""
    with pytest.raises(PermissionError):
        site.git.push_to("ada", "portal", "refs/for/main", {"x.txt": "x"})
    # The others, and whom the operators let in themselves, are as they were.
    assert site.as_player("grace").get("/user")["login"] == "grace"
    helper = ServiceClient.by_password(f"{site.gitea.url}/api/v1", "helper", PASSWORD)
    assert helper.get("/user")["login"] == "helper"
    set_up(site)
    assert own.get("/user")["login"] == "ada"
    assert "ada" in {each["login"] for each in operator.all("/repos/game/team-red/collaborators")}


def test_a_players_repositories_stay_private_whatever_the_player_says(site: DeliverySite) -> None:
    site.git.fork("grace", "team-red")
    player = site.as_player("grace")
    player.ask("POST", "/user/repos", {"name": "notes", "private": False})
    for name in ("team-red", "notes"):
        player.ask("PATCH", f"/repos/grace/{name}", {"private": False}, accept=(422,))
        Browser(site, "grace").send(
            f"/grace/{name}/settings",
            {"action": "visibility", "private": "false", "confirm_repo_name": f"grace/{name}"},
        )
        assert player.get(f"/repos/grace/{name}")["private"] is True
        assert site.as_player("linus").get(f"/repos/grace/{name}") is None
    # What the game opens to everybody is open still.
    assert site.as_player("linus").get("/repos/game/portal")["private"] is False


def test_one_fault_does_not_stop_the_others_set_up_and_all_faults_are_told(site: DeliverySite) -> None:
    plan = json.loads((site.folder / "plan.json").read_text())
    passwords = {"in valid": "x" * 32, "after-1": "y" * 32}
    first, later = (
        {"name": name, "minutes": 10, "readers": list(readers), "writers": []}
        for name, readers in (("not/a name", ["grace"]), ("team-after", ["after-1"]))
    )
    with pytest.raises(SetupError) as raised:
        set_up(
            site,
            passwords={**passwords, **plan["passwords"]},
            repositories=[first, *plan["repositories"], later],
        )
    assert "the account in valid" in str(raised.value)
    assert "the repository not/a name" in str(raised.value)
    assert "after-1" in logins(site)
    readers = site.as_operator().all("/repos/game/team-after/collaborators")
    assert {each["login"] for each in readers} == {"after-1", "merge-bot"}
    assert Path(site.folder / "secret-store" / "application" / "id").exists()

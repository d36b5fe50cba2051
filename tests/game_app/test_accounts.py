"""Accounts at the real Gitea: who a player is stays what the set-up made, and one fault does not stop the set-up."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Generator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from game_app.scm.gitea.gitea_accounts import account_password
from game_app.services.setup.gitea_setup import GiteaSetup
from game_app.services.setup.secret_store import FolderStore
from game_app.services.setup.service_client import ServiceClient
from game_app.services.setup.setup_faults import Faults, SetupError
from game_app.services.setup.setup_plan import GiteaPlan
from local_game.delivery_site import DeliverySite

# Long enough for Gitea to be built first.
pytestmark = pytest.mark.timeout(900)
PASSWORD: Final = "a-password-of-their-own-1"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[DeliverySite]:
    """Gitea alone, as the program configures it, and set up."""
    raised = DeliverySite(tmp_path_factory.mktemp("gitea-alone"))
    try:
        raised.start_gitea()
        set_up(raised)
        yield raised
    finally:
        raised.gitea.stop()


def set_up(site: DeliverySite, **other: object) -> None:
    """Gitea's part of the set-up. other: what the plan says instead."""
    plan = site.folder / "plan.json"
    changed = site.folder / "changed.json"
    changed.write_text(json.dumps({**json.loads(plan.read_text()), **other}))
    token = (site.folder / "gitea" / "token" / "token").read_text().strip()
    faults = Faults()
    GiteaSetup(GiteaPlan.read(changed), token).set_up(FolderStore(site.folder / "secret-store"), 60, faults)
    faults.raise_all()


class Browser:
    """A player at Gitea's own pages."""

    def __init__(self, site: DeliverySite, name: str) -> None:
        # Gitea marks its cookies for TLS, and is asked beside it.
        cookies = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
        self._url = site.gitea.url
        self.send("/user/login", {"user_name": name, "password": account_password(site.master, name)})
        assert self.status("/user/settings") == 200

    def status(self, path: str) -> int:
        """The status of a page, without following where it leads."""
        try:
            with self._opener.open(self._url + path, timeout=30) as shown:
                return 200 if shown.url == self._url + path else 303
        except HTTPError as error:
            error.close()
            return error.code

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

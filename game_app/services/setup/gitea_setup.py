"""Set-up of Gitea: accounts, the organisation, its repositories, their protection, and Drone's OAuth application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from ..pipeline_catalogue import CHECK
from .drone_login import log_in
from .secret_store import SecretStore
from .service_client import ServiceClient
from .setup_faults import Faults, wait_for
from .setup_plan import GiteaPlan, Repository
from .source_control_setup import SourceControlSetup

APPLICATION: Final = "drone"
APPLICATION_SET: Final = "application"
"""Set in the secret store with Drone's OAuth application: files `id` and `secret`."""
_UNITS: Final = ("repo.code", "repo.issues", "repo.pulls", "repo.releases")


class GiteaSetup(SourceControlSetup):
    """Gitea, asked as its administrator."""

    def __init__(self, plan: GiteaPlan, token: str) -> None:
        self._plan = plan
        self._admin = ServiceClient.by_token(f"{plan.scm_url}/api/v1", token)

    def ready(self) -> None:
        """Raises SetupError until it answers."""
        self._admin.ask("GET", "/version")

    def set_up(self, store: SecretStore, timeout: float, faults: Faults) -> None:
        wait_for("Gitea", self.ready, timeout)
        self._everything(faults)
        with faults.noted("Drone's OAuth application"):
            held = store.get(APPLICATION_SET)
            application = self.application(held if {"id", "secret"} <= set(held) else None)
            if dict(application) != dict(held):
                store.put(APPLICATION_SET, application)

    def log_drone_in(self) -> None:
        log_in(self._plan, self._plan.builder)

    def _everything(self, faults: Faults) -> None:
        """Everything but what Drone needs to log in."""
        known = {str(each["login"]).lower(): each for each in self._admin.all("/admin/users")}
        planned = {name.lower(): name for name in self._plan.passwords}
        for lower, name in planned.items():
            with faults.noted(f"the account {name}"):
                if lower not in known:
                    self._create_account(name)
                else:
                    self._lock(known[lower], locked=False)
        for lower, found in known.items():
            # Whom operators made by hand is left alone, and so is the administrator.
            if lower not in planned and found.get("email") == _address(lower) and not found.get("is_admin"):
                with faults.noted(f"the account {lower}"):
                    self._lock(found, locked=True)
        with faults.noted(f"the organisation {self._plan.organisation}"):
            self._organisation()
            self._teams()
        for repository in self._plan.repositories:
            with faults.noted(f"the repository {repository.name}"):
                self._repository(repository)

    def application(self, held: Mapping[str, str] | None) -> Mapping[str, str]:
        """Drone's OAuth application: its id and secret. Gitea tells the secret once, so a lost one is replaced.

        held: the application of an earlier run.
        """
        builder = self._plan.builder
        own = ServiceClient.by_password(f"{self._plan.scm_url}/api/v1", builder, self._plan.passwords[builder])
        wanted = {
            "name": APPLICATION,
            "confidential_client": True,
            "redirect_uris": [f"{self._plan.drone_public_url}/login"],
        }
        for found in own.all("/user/applications/oauth2"):
            if found["name"] != APPLICATION:
                continue
            if held and held["id"] == found["client_id"] and found["redirect_uris"] == wanted["redirect_uris"]:
                return held
            own.ask("DELETE", f"/user/applications/oauth2/{found['id']}")
        _, made = own.ask("POST", "/user/applications/oauth2", wanted)
        return {"id": made["client_id"], "secret": made["client_secret"]}

    def _create_account(self, name: str) -> None:
        self._admin.ask(
            "POST",
            "/admin/users",
            {
                "username": name,
                "password": self._plan.passwords[name],
                "email": _address(name),
                "must_change_password": False,
                "send_notify": False,
            },
        )

    def _lock(self, found: Mapping[str, Any], *, locked: bool) -> None:
        """Lock an account out, or let it in again. Gitea then takes no password, session or token of it."""
        if bool(found.get("prohibit_login")) is not locked:
            wanted = {"login_name": found["login"], "source_id": found["source_id"], "prohibit_login": locked}
            self._admin.ask("PATCH", f"/admin/users/{quote(str(found['login']))}", wanted)

    def _organisation(self) -> None:
        name = self._plan.organisation
        # "limited": everybody with an account sees its open repositories, and nobody without.
        wanted = {"visibility": "limited", "repo_admin_change_team_access": False}
        found = self._admin.get(f"/orgs/{name}")
        if found is None:
            self._admin.ask("POST", "/orgs", {"username": name, **wanted})
        elif any(found.get(key) != value for key, value in wanted.items()):
            self._admin.ask("PATCH", f"/orgs/{name}", wanted)

    def _teams(self) -> None:
        """Drone's account makes webhooks, and that of builds reads. No player is in either."""
        plan = self._plan
        found = {str(team["name"]): team for team in self._admin.all(f"/orgs/{plan.organisation}/teams")}
        for name, permission, member in (
            ("builders", "admin", plan.builder),
            ("cloners", "read", plan.cloner),
        ):
            team: Mapping[str, Any] | None = found.get(name)
            if team is None:
                _, team = self._admin.ask(
                    "POST",
                    f"/orgs/{plan.organisation}/teams",
                    {
                        "name": name,
                        "permission": permission,
                        "includes_all_repositories": True,
                        "can_create_org_repo": False,
                        "units": list(_UNITS),
                    },
                )
            identifier = team["id"] if team else 0
            members = _names(self._admin.all(f"/teams/{identifier}/members"))
            for other in members - {member}:
                self._admin.ask("DELETE", f"/teams/{identifier}/members/{quote(other)}")
            if member not in members:
                self._admin.ask("PUT", f"/teams/{identifier}/members/{member}")

    def _repository(self, repository: Repository) -> None:
        plan, path = self._plan, f"/repos/{self._plan.organisation}/{repository.name}"
        wanted: dict[str, Any] = {
            "private": bool(repository.readers),
            "default_branch": plan.branch,
            "has_actions": False,
            "has_wiki": False,
            "has_projects": False,
            "has_packages": False,
            "allow_rebase": False,
            "allow_rebase_explicit": False,
            "allow_squash_merge": True,
            "allow_merge_commits": True,
        }
        found = self._admin.get(path)
        if found is None:
            begin = {
                "name": repository.name,
                "auto_init": True,
                "default_branch": plan.branch,
                "private": wanted["private"],
            }
            self._admin.ask("POST", f"/orgs/{plan.organisation}/repos", begin)
            found = cast("dict[str, Any]", {})
        if any(found.get(key) != value for key, value in wanted.items()):
            self._admin.ask("PATCH", path, wanted)
        self._collaborators(path, repository)
        self._protection(path, repository)

    def _collaborators(self, path: str, repository: Repository) -> None:
        """Players read, whatever somebody gave them since; Gitea names in a whitelist whom it finds here alone."""
        may_write = (self._plan.merger, *repository.writers)
        granted = dict.fromkeys(repository.readers, "read") | dict.fromkeys(may_write, "write")
        wanted = {name.lower(): permission for name, permission in granted.items()}
        now = _names(self._admin.all(f"{path}/collaborators"))
        for name in now - set(wanted):
            self._admin.ask("DELETE", f"{path}/collaborators/{quote(name)}")
        for name, permission in wanted.items():
            _, has = self._admin.ask("GET", f"{path}/collaborators/{name}/permission", accept=(404,))
            if name not in now or has is None or has["permission"] != permission:
                self._admin.ask("PUT", f"{path}/collaborators/{name}", {"permission": permission})

    def _protection(self, path: str, repository: Repository) -> None:
        wanted = protection(self._plan, repository)
        found = self._admin.get(f"{path}/branch_protections/{quote(self._plan.branch)}")
        if found is None:
            self._admin.ask("POST", f"{path}/branch_protections", {"rule_name": self._plan.branch, **wanted})
        elif any(_told(found.get(key)) != _told(value) for key, value in wanted.items()):
            self._admin.ask("PATCH", f"{path}/branch_protections/{quote(self._plan.branch)}", wanted)


def _address(name: str) -> str:
    """E-mail address that the set-up gives an account: at no mail server."""
    return f"{name.lower()}@players.invalid"


def _names(accounts: Iterable[Mapping[str, Any]]) -> set[str]:
    """Gitea's names of accounts, which are the same in capitals."""
    return {str(each["login"]).lower() for each in accounts}


def _told(value: Any) -> Any:
    """A value of a branch protection, in which the order and the capitals of names mean nothing."""
    return sorted(str(name).lower() for name in cast("list[Any]", value)) if isinstance(value, list) else value


def protection(plan: GiteaPlan, repository: Repository) -> Mapping[str, Any]:
    """What holds the main branch: its writers alone push, mostly nobody; what is merged is green and up to date."""
    # Gitea gives the names of accounts in this order.
    return {
        "enable_push": bool(repository.writers),
        "enable_push_whitelist": bool(repository.writers),
        "push_whitelist_usernames": sorted(repository.writers),
        "enable_force_push": False,
        "enable_merge_whitelist": True,
        "merge_whitelist_usernames": sorted([plan.merger, *repository.writers]),
        "enable_status_check": True,
        "status_check_contexts": [CHECK],
        "block_on_outdated_branch": True,
        "protected_file_patterns": ".drone.yml;.drone/**",
        "block_admin_merge_override": True,
    }

"""Set-up of Drone: every repository enabled, protected, and its pipelines signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from ..pipeline_catalogue import EVENTS, Catalogue
from .service_client import ServiceClient
from .setup_faults import Faults, SetupError
from .setup_plan import Plan, Repository
from .source_control_setup import SourceControlSetup

Tree = dict[str, Any]
SETTINGS: Final[Mapping[str, Any]] = {
    "protected": True,
    "trusted": False,
    "visibility": "private",
    # Each pipeline says how many of its own run: builds of pull requests, which anybody may open, keep no push waiting.
    "throttle": 0,
    "ignore_forks": False,
    "ignore_pull_requests": False,
    # Where no file is: even a Drone that asked the repository would find nothing.
    "config_path": ".drone/served-by-the-guard.yml",
    "auto_cancel_pull_requests": True,
}
"""Settings of every repository in Drone, beside its own time limit. throttle: builds of it at the same time, 0: any."""


class DroneSetup:
    """Drone, asked as its administrator."""

    def __init__(self, plan: Plan, source_control: SourceControlSetup) -> None:
        self._plan = plan
        self._source_control = source_control
        self._admin = ServiceClient.by_token(plan.drone_url, plan.drone_token, scheme="Bearer")

    def ready(self) -> None:
        """Raises SetupError until it answers."""
        self._admin.ask("GET", "/healthz")

    def refuse_an_image_without_extensions(self) -> None:
        """Raises SetupError for an image built with the tag `oss`: it runs what a pull request says.

        Source: drone, handler/web/varz.go
        """
        found = cast("Tree", self._admin.get("/varz") or {})
        kind = cast("Tree", found.get("license") or {}).get("kind")
        if kind in {None, "foss"}:
            raise SetupError(f"this Drone ignores its extensions (its licence kind is {kind!r}); nothing was enabled")

    def set_up(
        self, catalogue: Catalogue, held: Mapping[str, Mapping[str, str]], faults: Faults
    ) -> Mapping[str, Mapping[str, str]]:
        """Enable every repository. Gives the signatures: owner/name to event to signature.

        held: the signatures of the time before, which a repository keeps that is refused now; faults: notes it.
        """
        self.refuse_an_image_without_extensions()
        listed = self._repositories()
        signatures: dict[str, Mapping[str, str]] = {}
        for repository in self._plan.repositories:
            slug = f"{self._plan.organisation}/{repository.name}"
            if slug in held:
                signatures[slug] = held[slug]
            with faults.noted(f"{slug} in Drone"):
                self._enable(slug, repository, listed.get(slug))
                signatures[slug] = {event: self._sign(slug, catalogue.pipelines[slug, event]) for event in EVENTS}
        return signatures

    def _enable(self, slug: str, repository: Repository, found: Tree | None) -> None:
        if found is None:
            raise SetupError(f"Drone does not see {slug}")
        if not found.get("active"):
            _, found = self._admin.ask("POST", f"/api/repos/{slug}")
        wanted = {**SETTINGS, "timeout": repository.minutes}
        if any((found or {}).get(key) != value for key, value in wanted.items()):
            self._admin.ask("PATCH", f"/api/repos/{slug}", wanted)

    def _repositories(self) -> Mapping[str, Tree]:
        """What Drone sees of the source control, after logging its own account in where it must."""
        wanted = {f"{self._plan.organisation}/{repository.name}" for repository in self._plan.repositories}
        status, found = self._admin.ask("POST", "/api/user/repos", accept=(401, 403, 500))
        listed = _by_slug(found if status == 200 else None)
        if not wanted <= set(listed):
            self._source_control.log_drone_in()
            listed = _by_slug(self._admin.ask("POST", "/api/user/repos")[1])
        return listed

    def _sign(self, slug: str, pipeline: str) -> str:
        _, made = self._admin.ask("POST", f"/api/repos/{slug}/sign", {"data": pipeline})
        return str(made["data"])


def _by_slug(repositories: list[Tree] | None) -> Mapping[str, Tree]:
    return {str(each["slug"]): each for each in repositories or []}

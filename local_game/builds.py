"""Builds: what Drone has of them, and what the recording runners were given."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rehearsal.drone.recording import Taken

if TYPE_CHECKING:
    from local_game.delivery_site import DeliverySite

Tree = dict[str, Any]


class Builds:
    """Builds of the game's repositories."""

    def __init__(self, site: DeliverySite) -> None:
        self._site = site

    def taken_for(self, repository: str, commit: str, *, trust: str = "untrusted", seconds: float = 30) -> Taken | None:
        """The build that a runner was given for a commit."""
        return self._site.runners[trust].wait_for(f"game/{repository}", seconds, commit=commit)

    def taken(self) -> list[Taken]:
        """Every build that any runner was given."""
        return [each for runner in self._site.runners.values() for each in runner.taken()]

    def of(self, repository: str) -> list[Tree]:
        """A repository's last 25 builds in Drone, the newest first."""
        return list(self._site.as_drones_admin().get(f"/api/repos/game/{repository}/builds") or [])

    def last_number(self, repository: str) -> int:
        """Number of a repository's last build."""
        return max((build["number"] for build in self.of(repository)), default=0)

    def of_commit(self, repository: str, commit: str) -> list[Tree]:
        """Drone's builds of one commit."""
        return [build for build in self.of(repository) if build["after"] == commit]

    def wait_until_none_runs(self, seconds: float = 20) -> None:
        """Wait until Drone has no build that waits or runs. Raises TimeoutError."""
        admin = self._site.as_drones_admin()
        deadline = time.monotonic() + seconds
        while unfinished := admin.get("/api/queue"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"builds do not end: {unfinished}")
            time.sleep(0.05)

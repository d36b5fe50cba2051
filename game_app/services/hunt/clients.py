"""Clients by which checks learn of a team: its source control, which has Drone's results too, and the cluster.

Every request has a deadline, which is that of the check that makes it: nobody is waited for beyond it.
"""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..bounded_reader import Deadline
from ..http_client import HttpClient
from ..pipeline_catalogue import CHECK
from .hunt_teams import Team

Tree = dict[str, Any]
MOST_PULL_REQUESTS: Final = 200
"""Pull requests of one team that are looked at."""
MOST_COMMITS: Final = 40
"""Commits of one pull request that are looked at."""


@dataclass(frozen=True)
class PullRequest:
    """Pull request to a team's main branch."""

    number: int
    branch: str
    """Its branch in the fork that it comes from, whether that is still there or not."""
    head: str
    """Newest commit of that branch, which may be younger than the merge."""
    merged: str | None
    """Commit by which it was merged."""
    open: bool


class SourceControlClient(ABC):
    """Source control, asked as an account that may read the teams' repositories, or merge into them.

    Every method raises ServiceError where no answer of use came in time.
    """

    @abstractmethod
    def pull_requests(self, team: Team, deadline: Deadline, *, state: str = "all") -> list[PullRequest]:
        """Pull requests to the main branch, MOST_PULL_REQUESTS at most. state: `all` or `open`.

        Of all, those that were changed last, the last one first; of the open ones, the oldest first: whoever opens many
        keeps none waiting that was there before. One whose text alone is more than is read is left out.
        """

    @abstractmethod
    def commits(self, team: Team, pull_request: PullRequest, deadline: Deadline) -> list[str]:
        """The newest commits of a pull request, MOST_COMMITS at most, in any order."""

    @abstractmethod
    def file(self, team: Team, path: str, deadline: Deadline, *, commit: str | None = None) -> str | None:
        """Text of a file in a commit, by default the newest of the main branch, or None where there is no such file."""

    @abstractmethod
    def results(self, team: Team, commit: str, context: str, deadline: Deadline) -> list[str]:
        """Results of a commit's builds, the newest first: `success`, `failure`, `error` or `pending`."""

    @abstractmethod
    def merge(self, team: Team, pull_request: PullRequest, deadline: Deadline) -> bool:
        """Merge a pull request as it was read, and whether that was allowed."""


class PullRequestMerger:
    """Account that may merge, at a source control that refuses it whatever is not green."""

    def __init__(self, reader: SourceControlClient, merger: SourceControlClient) -> None:
        """The source control, asked by either account."""
        self._reader = reader
        self._merger = merger

    def merge_green(self, team: Team, deadline: Deadline) -> list[int]:
        """Merge a team's green pull requests. Gives the numbers of those that were merged."""
        return [
            each.number
            for each in self._reader.pull_requests(team, deadline, state="open")
            if self._reader.results(team, each.head, CHECK, deadline)[:1] == ["success"]
            and self._merger.merge(team, each, deadline)
        ]


class KubernetesClient:
    """The board's API, asked by the pod's own account."""

    def __init__(self, url: str, account: Path) -> None:
        """account: folder with `ca.crt` and `token`, as Kubernetes gives them to a pod."""
        self._url = url
        self._account = account

    def deployment(self, team: Team, name: str, deadline: Deadline) -> Tree | None:
        """Deployment in the team's namespace, or None where there is none of the name. Raises ServiceError."""
        path = f"/apis/apps/v1/namespaces/{team.namespace}/deployments/{name}"
        return self._client().get(path, deadline)

    def _client(self) -> HttpClient:
        # Read each time: the token is renewed by the hour.
        token = (self._account / "token").read_text(encoding="utf-8").strip()
        authority = self._account / "ca.crt"
        tls = ssl.create_default_context(cafile=str(authority)) if self._url.startswith("https:") else None
        return HttpClient("the cluster", self._url, {"Authorization": f"Bearer {token}"}, tls=tls)

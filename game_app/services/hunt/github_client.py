"""Client of GitHub's REST API for the checks, at github.com or in a company.

GitHub counts 5,000 answers an hour for each account, but not those that say that nothing has changed: each answer is
kept, in the few words that the checks need, with the ETag by which GitHub knows it again.
Source: docs.github.com/en/rest, "Best practices for using the REST API"
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

from ..bounded_reader import Deadline
from .clients import MOST_COMMITS, MOST_PULL_REQUESTS, PullRequest, SourceControlClient
from .gitea_client import text_of
from .hunt_teams import Team
from .paged_list import read_pages
from .rate_limited_client import RateLimitedClient

Tree = dict[str, Any]
T = TypeVar("T")
REMEMBERED: Final = 4096
"""Answers that are kept: enough for 400 teams."""
_NOT_CHANGED: Final = 304
_LONGEST_PULL_REQUEST: Final = 250
"""Commits of a pull request that GitHub tells. Source: docs.github.com/en/rest/pulls/pulls"""


class GitHubClient(SourceControlClient):
    """GitHub, asked as the owner of a token."""

    def __init__(self, url: str, token: str, branch: str) -> None:
        """url: root of the API, such as https://api.github.com; branch: the main one."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "shambhala-hunt",
        }
        self._api = RateLimitedClient("GitHub", url, headers)
        self._branch = branch
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, object]] = {}

    def pull_requests(self, team: Team, deadline: Deadline, *, state: str = "all") -> list[PullRequest]:
        base = quote(self._branch, safe="")
        order = "sort=created&direction=asc" if state == "open" else "sort=updated&direction=desc"
        path = f"/repos/{team.repository}/pulls?state={state}&base={base}&{order}"
        return self._listed(path, MOST_PULL_REQUESTS, deadline, _pull_requests)

    def commits(self, team: Team, pull_request: PullRequest, deadline: Deadline) -> list[str]:
        # The oldest first, and no way to have them otherwise.
        path = f"/repos/{team.repository}/pulls/{pull_request.number}/commits?"
        return self._listed(path, _LONGEST_PULL_REQUEST, deadline, _commits)[-MOST_COMMITS:]

    def file(self, team: Team, path: str, deadline: Deadline, *, commit: str | None = None) -> str | None:
        reference = quote(commit or self._branch, safe="")
        return self._read(f"/repos/{team.repository}/contents/{quote(path)}?ref={reference}", deadline, text_of)

    def results(self, team: Team, commit: str, context: str, deadline: Deadline) -> list[str]:
        found = self._read(f"/repos/{team.repository}/commits/{commit}/statuses?per_page=100", deadline, _statuses)
        return [state for known, state in found if known == context]

    def merge(self, team: Team, pull_request: PullRequest, deadline: Deadline) -> bool:
        answer = self._api.ask(
            "PUT",
            f"/repos/{team.repository}/pulls/{pull_request.number}/merge",
            deadline,
            body={"sha": pull_request.head, "merge_method": "merge"},
            # Not allowed, gone, in conflict or not green, changed since, or not valid.
            accept=(403, 404, 405, 409, 422),
        )
        return answer.status < 300

    def _listed(self, path: str, most: int, deadline: Deadline, reading: Callable[[Any], list[T]]) -> list[T]:
        """Entries of a list. path: with a query."""
        return read_pages(
            lambda size, number: self._read(f"{path}&per_page={size}&page={number}", deadline, reading), most
        )

    def _read(self, path: str, deadline: Deadline, reading: Callable[[Any], T]) -> T:
        """Contents of a path, told anew only where GitHub says that they have changed."""
        etag, known = self._known.get(path, ("", None))
        headers = {"If-None-Match": etag} if etag else {}
        answer = self._api.ask("GET", path, deadline, headers=headers, accept=(_NOT_CHANGED, 404))
        if answer.status == _NOT_CHANGED:
            return cast("T", known)
        read = reading(None if answer.status == 404 else answer.json)
        with self._lock:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            if answer.headers.get("ETag"):
                self._known[path] = (answer.headers["ETag"], read)
            else:
                self._known.pop(path, None)
        return read


def _pull_requests(found: object) -> list[PullRequest]:
    return [
        PullRequest(
            number=int(each["number"]),
            branch=str(each["head"]["ref"]),
            head=str(each["head"]["sha"]),
            # While it is open, this commit is a trial merge.
            merged=str(each["merge_commit_sha"]) if each.get("merged_at") else None,
            open=each["state"] == "open",
        )
        for each in cast("list[Tree]", found or [])
    ]


def _commits(found: object) -> list[str]:
    return [str(each["sha"]) for each in cast("list[Tree]", found or [])]


def _statuses(found: object) -> list[tuple[str, str]]:
    """Context and state of each commit status, the newest first."""
    newest = sorted(cast("list[Tree]", found or []), key=lambda each: int(each["id"]), reverse=True)
    return [(str(each["context"]), str(each["state"])) for each in newest]

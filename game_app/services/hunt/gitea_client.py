"""Client of Gitea's API for the checks."""

from __future__ import annotations

import base64
from typing import Any, cast
from urllib.parse import quote

from ..bounded_reader import Deadline
from .clients import MOST_COMMITS, MOST_PULL_REQUESTS, PullRequest, SourceControlClient
from .hunt_teams import Team
from .paged_list import read_pages
from .rate_limited_client import RateLimitedClient

Tree = dict[str, Any]


class GiteaClient(SourceControlClient):
    """Gitea, asked as one account."""

    def __init__(self, url: str, login: str, branch: str) -> None:
        """url: where it answers; login: `name:password`; branch: the main one."""
        headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        self._api = RateLimitedClient("the source control", f"{url.rstrip('/')}/api/v1", headers)
        self._branch = branch

    def pull_requests(self, team: Team, deadline: Deadline, *, state: str = "all") -> list[PullRequest]:
        sort = "oldest" if state == "open" else "recentupdate"
        path = f"/repos/{team.repository}/pulls?state={state}&sort={sort}"
        return [
            PullRequest(
                number=int(each["number"]),
                # The reference is another one once the branch is deleted.
                branch=str(each["head"]["label"]),
                head=str(each["head"]["sha"]),
                merged=str(each["merge_commit_sha"]) if each.get("merged") else None,
                open=each["state"] == "open",
            )
            for each in self._listed(path, MOST_PULL_REQUESTS, deadline)
            if each["base"]["ref"] == self._branch
        ]

    def commits(self, team: Team, pull_request: PullRequest, deadline: Deadline) -> list[str]:
        path = f"/repos/{team.repository}/pulls/{pull_request.number}/commits?files=false"
        return [str(each["sha"]) for each in self._listed(path, MOST_COMMITS, deadline)]

    def file(self, team: Team, path: str, deadline: Deadline, *, commit: str | None = None) -> str | None:
        reference = quote(commit or self._branch, safe="")
        found = self._api.get(f"/repos/{team.repository}/contents/{quote(path)}?ref={reference}", deadline)
        return text_of(found)

    def results(self, team: Team, commit: str, context: str, deadline: Deadline) -> list[str]:
        found = self._api.get(f"/repos/{team.repository}/commits/{commit}/statuses?limit=50", deadline)
        listed = [each for each in cast("list[Tree]", found or []) if each.get("context") == context]
        return [str(each["status"]) for each in sorted(listed, key=lambda each: int(each["id"]), reverse=True)]

    def merge(self, team: Team, pull_request: PullRequest, deadline: Deadline) -> bool:
        answer = self._api.ask(
            "POST",
            f"/repos/{team.repository}/pulls/{pull_request.number}/merge",
            deadline,
            body={"Do": "merge", "head_commit_id": pull_request.head},
            # In conflict, out of date, changed since, or with files that nobody may change.
            accept=(403, 404, 405, 409, 422, 423),
        )
        return answer.status < 300

    def _listed(self, path: str, most: int, deadline: Deadline) -> list[Tree]:
        """Entries of a list. path: with a query."""

        def read(size: int, number: int) -> list[Tree]:
            return cast("list[Tree]", self._api.get(f"{path}&limit={size}&page={number}", deadline) or [])

        return read_pages(read, most)


def text_of(found: object) -> str | None:
    """Text of a file in an answer of the API for contents, which GitHub has too; None for a folder or a link."""
    if not isinstance(found, dict) or cast("Tree", found).get("type") != "file":
        return None
    return base64.b64decode(str(cast("Tree", found).get("content") or "")).decode(errors="replace")

"""GitHub's REST API, in the cloud or in a company.

It counts 5,000 answers an hour for each account, but not those that say that nothing has changed: what was read is
kept, in the few words that the checks need, with the mark by which GitHub knows it again.
Source: docs.github.com/en/rest, "Best practices for using the REST API"
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

from .gitea import text_of
from .signals import Deadline, Pull, Scm, Web
from .teams import Team

Tree = dict[str, Any]
T = TypeVar("T")
REMEMBERED: Final = 4096
"""Answers that are kept: enough for 400 teams."""
_NOT_CHANGED: Final = 304
_PULLS: Final = 20
"""Pull requests that are read: GitHub tells 20 kB of each."""


class GitHub(Scm):
    """GitHub, asked as the owner of a token."""

    def __init__(self, url: str, token: str, branch: str) -> None:
        """url: root of the API, such as https://api.github.com; branch: the main one."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "shambhala-hunt",
        }
        self._web = Web("GitHub", url, headers)
        self._branch = branch
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, object]] = {}

    def pulls(self, team: Team, deadline: Deadline, *, state: str = "all") -> list[Pull]:
        query = f"state={state}&base={quote(self._branch, safe='')}&sort=updated&direction=desc&per_page={_PULLS}"
        return self._read(f"/repos/{team.repository}/pulls?{query}", deadline, _pulls)

    def commits(self, team: Team, pull: Pull, deadline: Deadline) -> list[str]:
        # The oldest first, and no way to have them otherwise.
        found = self._read(f"/repos/{team.repository}/pulls/{pull.number}/commits?per_page=100", deadline, _commits)
        return found[-30:]

    def file(self, team: Team, path: str, deadline: Deadline, *, commit: str | None = None) -> str | None:
        reference = quote(commit or self._branch, safe="")
        return self._read(f"/repos/{team.repository}/contents/{quote(path)}?ref={reference}", deadline, text_of)

    def results(self, team: Team, commit: str, context: str, deadline: Deadline) -> list[str]:
        found = self._read(f"/repos/{team.repository}/commits/{commit}/statuses?per_page=100", deadline, _statuses)
        return [state for known, state in found if known == context]

    def merge(self, team: Team, pull: Pull, deadline: Deadline) -> bool:
        status, _ = self._web.ask(
            f"/repos/{team.repository}/pulls/{pull.number}/merge",
            deadline,
            method="PUT",
            body={"sha": pull.head, "merge_method": "merge"},
            # Not allowed, gone, in conflict or not green, changed since, or not valid.
            accept=(403, 404, 405, 409, 422),
        )
        return status < 300

    def _read(self, path: str, deadline: Deadline, reading: Callable[[Any], T]) -> T:
        """What there is at a path, read anew only where GitHub says that it has changed."""
        mark, known = self._known.get(path, ("", None))
        headers = {"If-None-Match": mark} if mark else {}
        status, found, answered = self._web.exchange(path, deadline, headers=headers, accept=(_NOT_CHANGED, 404))
        if status == _NOT_CHANGED:
            return cast("T", known)
        read = reading(None if status == 404 else found)
        with self._lock:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            if answered.get("ETag"):
                self._known[path] = (answered["ETag"], read)
            else:
                self._known.pop(path, None)
        return read


def _pulls(found: object) -> list[Pull]:
    return [
        Pull(
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
    """Context and state of each, the newest first."""
    newest = sorted(cast("list[Tree]", found or []), key=lambda each: int(each["id"]), reverse=True)
    return [(str(each["context"]), str(each["state"])) for each in newest]

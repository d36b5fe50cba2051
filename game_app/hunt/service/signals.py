"""What the checks are told by: Gitea, which has Drone's results too, and the cluster. All of it is only read.

Every question has a deadline, which is that of the check that asks it: nobody is waited for beyond it.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

from .teams import Team

CHECK: Final = "continuous-integration/drone/pr"
DEPLOYMENT: Final = "continuous-integration/drone/push"
"""What Drone calls its builds' results in Gitea: of a pull request, and of a push to the main branch."""
LARGEST: Final = 1024 * 1024
"""Bytes of an answer that are read."""
_PIECE: Final = 64 * 1024
Tree = dict[str, Any]


class SilentError(Exception):
    """Somebody who was asked gave no answer of use; the text says who, and is fit for a team to read."""


class Deadline:
    """How long a check may take altogether."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, whom: str) -> float:
        """Seconds that are left. Raises SilentError when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise SilentError(f"{whom} did not answer in time")
        return seconds


class Web:
    """JSON over HTTP from one service."""

    def __init__(self, whom: str, url: str, headers: Mapping[str, str], tls: ssl.SSLContext | None = None) -> None:
        self._whom = whom
        self._url = url.rstrip("/")
        self._headers = dict(headers)
        self._tls = tls

    def ask(
        self, path: str, deadline: Deadline, *, body: object = None, accept: Collection[int] = ()
    ) -> tuple[int, Any]:
        """Status and JSON of an answer to a GET or, with a body, to a POST.

        accept: statuses beyond 2xx that the caller knows what to do with. Raises SilentError for all others.
        """
        request = urllib.request.Request(  # noqa: S310 - the operators' own addresses
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self._headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=deadline.left(self._whom), context=self._tls) as answered:  # noqa: S310
                return answered.status, _decoded(self._read(answered, deadline))
        except urllib.error.HTTPError as error:
            with error:
                if error.code in accept:
                    return error.code, None
            raise SilentError(f"{self._whom} answered {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            raise SilentError(f"{self._whom} did not answer in time") from error

    def get(self, path: str, deadline: Deadline) -> Any:
        """What is there, or None where nothing is."""
        return self.ask(path, deadline, accept=(404,))[1]

    def _read(self, answered: http.client.HTTPResponse, deadline: Deadline) -> bytes:
        """An answer's body. Piece by piece: a socket's own patience begins anew with each."""
        pieces: list[bytes] = []
        while piece := answered.read1(_PIECE):
            pieces.append(piece)
            deadline.left(self._whom)
            if sum(map(len, pieces)) > LARGEST:
                raise SilentError(f"{self._whom} answered more than {LARGEST} bytes")
        return b"".join(pieces)


@dataclass(frozen=True)
class Pull:
    """A pull request to a team's main branch."""

    number: int
    branch: str
    """Its branch in the fork that it comes from."""
    head: str
    merged: str | None
    """Commit by which it was merged."""
    open: bool


class Scm:
    """Gitea, asked as an account that may read the teams' repositories."""

    def __init__(self, web: Web, branch: str) -> None:
        self._web = web
        self._branch = branch

    def pulls(self, team: Team, deadline: Deadline, *, state: str = "all") -> list[Pull]:
        """The newest 50 pull requests."""
        found = self._web.get(f"/repos/{team.repository}/pulls?state={state}&sort=recentupdate&limit=50", deadline)
        return [
            Pull(
                number=int(each["number"]),
                branch=str(each["head"]["ref"]),
                head=str(each["head"]["sha"]),
                merged=str(each["merge_commit_sha"]) if each.get("merged") else None,
                open=each["state"] == "open",
            )
            for each in cast("list[Tree]", found or [])
            if each["base"]["ref"] == self._branch
        ]

    def commits(self, team: Team, pull: Pull, deadline: Deadline) -> list[str]:
        """The newest 30 commits of a pull request."""
        found = self._web.get(f"/repos/{team.repository}/pulls/{pull.number}/commits?limit=30&files=false", deadline)
        return [str(each["sha"]) for each in cast("list[Tree]", found or [])]

    def file(self, team: Team, path: str, deadline: Deadline, *, commit: str | None = None) -> str | None:
        """A file's text in a commit, by default the newest of the main branch, or None where there is no such file."""
        reference = quote(commit or self._branch, safe="")
        found = self._web.get(f"/repos/{team.repository}/contents/{quote(path)}?ref={reference}", deadline)
        if not isinstance(found, dict) or cast("Tree", found).get("type") != "file":
            return None
        return base64.b64decode(str(cast("Tree", found).get("content") or "")).decode(errors="replace")

    def results(self, team: Team, commit: str, context: str, deadline: Deadline) -> list[str]:
        """What builds of a commit came to, the newest first: `success`, `failure`, `error` or `pending`."""
        found = self._web.get(f"/repos/{team.repository}/commits/{commit}/statuses?limit=50", deadline)
        listed = [each for each in cast("list[Tree]", found or []) if each.get("context") == context]
        return [str(each["status"]) for each in sorted(listed, key=lambda each: int(each["id"]), reverse=True)]


class Gatekeeper:
    """Merges a team's green pull requests: the account that may, and Gitea which refuses it what is not green."""

    def __init__(self, scm: Scm, web: Web) -> None:
        self._scm = scm
        self._web = web

    def open_for(self, team: Team, deadline: Deadline) -> list[int]:
        """Merge what may be merged. Gives the numbers of those that were."""
        merged: list[int] = []
        for pull in sorted(self._scm.pulls(team, deadline, state="open"), key=lambda pull: pull.number):
            if self._scm.results(team, pull.head, CHECK, deadline)[:1] != ["success"]:
                continue
            status, _ = self._web.ask(
                f"/repos/{team.repository}/pulls/{pull.number}/merge",
                deadline,
                body={"Do": "merge", "head_commit_id": pull.head},
                # In conflict, out of date, changed since, or with files that nobody may change.
                accept=(403, 404, 405, 409, 422, 423),
            )
            if status < 300:
                merged.append(pull.number)
        return merged


class Cluster:
    """The board's API, asked by the pod's own account."""

    def __init__(self, url: str, account: Path) -> None:
        """account: folder with `ca.crt` and `token`, as Kubernetes gives them to a pod."""
        self._url = url
        self._account = account

    def deployment(self, team: Team, name: str, deadline: Deadline) -> Tree | None:
        """A Deployment in the team's namespace, or None where there is none of the name."""
        path = f"/apis/apps/v1/namespaces/{team.namespace}/deployments/{name}"
        return self._web().get(path, deadline)

    def _web(self) -> Web:
        # Read each time: the token is renewed by the hour.
        token = (self._account / "token").read_text(encoding="utf-8").strip()
        authority = self._account / "ca.crt"
        tls = ssl.create_default_context(cafile=str(authority)) if self._url.startswith("https:") else None
        return Web("the cluster", self._url, {"Authorization": f"Bearer {token}"}, tls)


def by_password(whom: str, url: str, login: str) -> Web:
    """A service asked as an account. login: `name:password`."""
    return Web(whom, url, {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()})


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return None

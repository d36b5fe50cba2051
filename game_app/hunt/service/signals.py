"""What the checks are told by: the source control, which has Drone's results too, and the cluster.

Every question has a deadline, which is that of the check that asks it: nobody is waited for beyond it.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, Final

from .teams import Team

CHECK: Final = "continuous-integration/drone/pr"
DEPLOYMENT: Final = "continuous-integration/drone/push"
"""What Drone calls its builds' results at the source control: of a pull request, and of a push to the main branch."""
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
        self,
        path: str,
        deadline: Deadline,
        *,
        body: object = None,
        method: str | None = None,
        accept: Collection[int] = (),
    ) -> tuple[int, Any]:
        """Status and JSON of an answer to a GET or, with a body, to a POST or another method.

        accept: statuses beyond 2xx that the caller knows what to do with. Raises SilentError for all others.
        """
        status, found, _ = self.exchange(path, deadline, body=body, method=method, accept=accept)
        return status, found

    def exchange(
        self,
        path: str,
        deadline: Deadline,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        method: str | None = None,
        accept: Collection[int] = (),
    ) -> tuple[int, Any, Message]:
        """The same with headers of both sides."""
        request = urllib.request.Request(  # noqa: S310 - the operators' own addresses
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self._headers, **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=deadline.left(self._whom), context=self._tls) as answered:  # noqa: S310
                return answered.status, _decoded(self._read(answered, deadline)), answered.headers
        except urllib.error.HTTPError as error:
            with error:
                if error.code in accept:
                    return error.code, None, error.headers
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


class Scm(ABC):
    """A source control, asked as an account that may read the teams' repositories, or merge into them."""

    @abstractmethod
    def pulls(self, team: Team, deadline: Deadline, *, state: str = "all") -> list[Pull]:
        """The newest pull requests to the main branch, the newest first. state: `all` or `open`."""

    @abstractmethod
    def commits(self, team: Team, pull: Pull, deadline: Deadline) -> list[str]:
        """The newest 30 commits of a pull request, in any order."""

    @abstractmethod
    def file(self, team: Team, path: str, deadline: Deadline, *, commit: str | None = None) -> str | None:
        """A file's text in a commit, by default the newest of the main branch, or None where there is no such file."""

    @abstractmethod
    def results(self, team: Team, commit: str, context: str, deadline: Deadline) -> list[str]:
        """What builds of a commit came to, the newest first: `success`, `failure`, `error` or `pending`."""

    @abstractmethod
    def merge(self, team: Team, pull: Pull, deadline: Deadline) -> bool:
        """Merge a pull request as it was read, and whether that was let."""


class Gatekeeper:
    """Merges a team's green pull requests: the account that may, and a source control that refuses it the others."""

    def __init__(self, reader: Scm, merger: Scm) -> None:
        """The source control, asked by either account."""
        self._reader = reader
        self._merger = merger

    def open_for(self, team: Team, deadline: Deadline) -> list[int]:
        """Merge what may be merged. Gives the numbers of those that were."""
        waiting = sorted(self._reader.pulls(team, deadline, state="open"), key=lambda pull: pull.number)
        green = [pull for pull in waiting if self._reader.results(team, pull.head, CHECK, deadline)[:1] == ["success"]]
        return [pull.number for pull in green if self._merger.merge(team, pull, deadline)]


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


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return None

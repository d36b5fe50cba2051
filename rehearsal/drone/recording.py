"""A stand-in for Drone's runners: it takes builds as they do, runs none, and keeps what it was given.

It speaks the runners' protocol (drone, operator/manager/rpc2).
"""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import yaml


@dataclass(frozen=True)
class Taken:
    """One build as a runner gets it."""

    repository: str
    event: str
    commit: str
    number: int
    pipeline: str
    """The YAML that it would run."""
    secrets: Mapping[str, str]
    url: str
    """Where it would clone from, as Drone tells its steps."""
    netrc: str
    """The login with which it would clone; empty: none."""
    machine: str
    """The host for which that login is meant."""
    trusted: bool
    at: float
    """When, by this machine's monotonic clock, in seconds."""

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        """The steps, each with its name, image and commands."""
        documents = [cast("dict[str, Any]", each) for each in yaml.safe_load_all(self.pipeline) if each]
        return [step for each in documents if each.get("kind") == "pipeline" for step in each.get("steps", [])]

    @property
    def images(self) -> Sequence[str]:
        return [str(step.get("image")) for step in self.steps]

    @property
    def names(self) -> Sequence[str]:
        return [str(step.get("name")) for step in self.steps]


class RecordingRunner:
    """Takes the builds of one kind until it is closed."""

    def __init__(
        self, server: str, rpc_secret: str, labels: Mapping[str, str], *, places: int = 1, kind: str = "kubernetes"
    ) -> None:
        """places: builds that it takes at the same time."""
        self.places = places
        self._server = server
        self._secret = rpc_secret
        self._labels = dict(labels)
        self._kind = kind
        self._taken: list[Taken] = []
        self.to_fail: set[str] = set()
        """Commits whose builds end in failure; it runs nothing that could tell."""
        self.fails: Callable[[str, str], bool] = lambda repository, commit: False
        """Whether the build of another commit ends in failure, by its repository and itself."""
        self.lasting = 0.0
        """Seconds that a build takes."""
        self._arrived = threading.Condition()
        self._closed = threading.Event()
        self._holding = False
        self._let_go: set[str] = set()
        for _ in range(places):
            threading.Thread(target=self._work, daemon=True).start()

    def taken(self) -> Sequence[Taken]:
        """Every build so far."""
        with self._arrived:
            return list(self._taken)

    def wait_for(
        self,
        repository: str,
        seconds: float,
        *,
        commit: str | None = None,
        number: int | None = None,
        event: str | None = None,
    ) -> Taken | None:
        """The build of a commit, of a number or of an event, or None when it has not come in time."""

        def found() -> Taken | None:
            return next((each for each in self._taken if each.repository == repository and fits(each)), None)

        def fits(taken: Taken) -> bool:
            wanted = (commit, taken.commit), (number, taken.number), (event, taken.event)
            return all(want in {None, has} for want, has in wanted)

        with self._arrived:
            self._arrived.wait_for(lambda: found() is not None, seconds)
            return found()

    @contextmanager
    def holding(self) -> Generator[Callable[[str], None]]:
        """The builds that it takes meanwhile run until then. Gives what ends the one of a commit."""

        def let_go(commit: str) -> None:
            with self._arrived:
                self._let_go.add(commit)
                self._arrived.notify_all()

        self._holding = True
        try:
            yield let_go
        finally:
            with self._arrived:
                self._holding = False
                self._arrived.notify_all()

    def close(self) -> None:
        """Take no more. The last request to the server ends by itself within its half minute."""
        self._closed.set()

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                self._take_one()
            except (OSError, ValueError, KeyError):
                # The server restarts, or another runner was faster.
                self._closed.wait(0.2)

    def _take_one(self) -> None:
        wanted = {"kind": "pipeline", "type": self._kind, "os": "linux", "arch": "amd64", "labels": self._labels}
        stage = self._ask("POST", "/stage", wanted)
        if not stage or self._closed.is_set():
            return
        stage = self._ask("POST", f"/stage/{stage['id']}?machine=recorder", None) or stage
        details = self._ask("GET", f"/stage/{stage['id']}", None)
        commit = details["build"]["after"]
        self._record(details)
        stage = self._ask("PUT", f"/stage/{stage['id']}", {**stage, "status": "running", "machine": "recorder"})
        with self._arrived:
            self._arrived.wait_for(lambda: not self._holding or commit in self._let_go)
        self._closed.wait(self.lasting)
        fails = commit in self.to_fail or self.fails(details["repository"]["slug"], commit)
        ended = "failure" if fails else "success"
        self._ask("PUT", f"/stage/{stage['id']}", {**stage, "status": ended, "machine": "recorder"})

    def _record(self, details: Mapping[str, Any]) -> None:
        build, repository = details["build"], details["repository"]
        netrc = cast("dict[str, str]", details.get("netrc") or {})
        held = cast("list[dict[str, str]]", details.get("secrets") or [])
        secrets = {each["name"]: each.get("data", "") for each in held}
        taken = Taken(
            repository=repository["slug"],
            event=build["event"],
            commit=build["after"],
            number=build["number"],
            pipeline=base64.b64decode(details["config"]["Data"]).decode(),
            secrets=secrets,
            url=str(repository.get("git_http_url") or ""),
            netrc=f"{netrc.get('login', '')}:{netrc.get('password', '')}" if netrc.get("login") else "",
            machine=netrc.get("machine", ""),
            trusted=bool(repository.get("trusted")),
            at=time.monotonic(),
        )
        with self._arrived:
            self._taken.append(taken)
            self._arrived.notify_all()

    def _ask(self, method: str, path: str, body: object) -> Any:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self._server}/rpc/v2{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Drone-Token": self._secret, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=40) as answered:  # noqa: S310
            text = answered.read()
            return json.loads(text) if answered.status == 200 and text.strip() else None

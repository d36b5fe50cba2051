"""JSON over HTTP to one service."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import Any, Final

PATIENCE: Final = 60.0
"""Seconds that one answer may take."""


class SetupError(Exception):
    """A service refused or did not answer; the text names the request and what came back, and no secret."""


class Faults:
    """What was refused on a way that went on all the same."""

    def __init__(self) -> None:
        self._said: list[str] = []

    @contextmanager
    def noted(self, what: str) -> Generator[None]:
        """Go on after a SetupError in here. what: what could not be made, with its name."""
        try:
            yield
        except SetupError as error:
            self._said.append(f"{what}: {error}")

    def tell(self) -> None:
        """Raises SetupError with everything that was refused, if anything was."""
        if self._said:
            raise SetupError(f"{len(self._said)} refused; everything else is as planned. {'; '.join(self._said)}")


class Service:
    """A service and the account by which it is asked."""

    def __init__(self, url: str, authorization: str) -> None:
        self.url = url.rstrip("/")
        self._authorization = authorization

    @classmethod
    def by_token(cls, url: str, token: str, *, scheme: str = "token") -> Service:
        """As the owner of a token; Gitea calls the scheme `token`, Drone `Bearer`."""
        return cls(url, f"{scheme} {token}")

    @classmethod
    def by_password(cls, url: str, name: str, password: str) -> Service:
        """As an account by its password."""
        return cls(url, "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())

    def ask(self, method: str, path: str, body: Any = None, *, accept: Collection[int] = ()) -> tuple[int, Any]:
        """The status and the JSON of an answer.

        accept: statuses beyond 2xx that the caller knows what to do with. Raises SetupError for all others.
        """
        request = urllib.request.Request(  # noqa: S310 - the address comes from the operators' own plan
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self._authorization, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answered:  # noqa: S310
                return answered.status, _decoded(answered.read())
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            if error.code in accept:
                return error.code, _decoded(text)
            said = text.decode(errors="replace").strip()[:300]
            raise SetupError(f"{method} {self.url}{path} answered {error.code}: {said}") from error
        except (OSError, http.client.HTTPException) as error:
            raise SetupError(f"{method} {self.url}{path} got no answer: {error}") from error

    def get(self, path: str) -> Any:
        """What is there, or None where nothing is."""
        status, found = self.ask("GET", path, accept=(404,))
        return None if status == 404 else found

    def all(self, path: str) -> list[Any]:
        """Every entry of a list that comes in pages of 50."""
        found: list[Any] = []
        mark = "&" if "?" in path else "?"
        page: list[Any] = []
        while not found or len(page) == 50:
            _, page = self.ask("GET", f"{path}{mark}limit=50&page={len(found) // 50 + 1}")
            if not page:
                break
            found += page
        return found


def wait_for(what: str, ready: Callable[[], object], seconds: float) -> None:
    """Wait until something is ready. Raises SetupError with its last complaint when it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ready()
        except SetupError as error:
            if time.monotonic() > deadline:
                raise SetupError(f"{what} was not ready after {seconds:.0f} seconds. Last: {error}") from error
            time.sleep(0.5)
        else:
            return


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return None

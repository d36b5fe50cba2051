"""Client of a service's API as one account."""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import Any, Final

from ..bounded_reader import Deadline
from ..http_client import HttpClient, ServiceError, StatusError
from .setup_faults import SetupError

TIMEOUT: Final = 60.0
"""Seconds that one answer may take."""
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer: Drone lists all repositories in one, of which there may be thousands."""


class ServiceClient:
    """Service, asked as one account."""

    def __init__(self, url: str, authorization: str) -> None:
        self.url = url.rstrip("/")
        self._http = HttpClient(self.url, url, {"Authorization": authorization}, largest=LARGEST)

    @classmethod
    def by_token(cls, url: str, token: str, *, scheme: str = "token") -> ServiceClient:
        """As the owner of a token; Gitea calls the scheme `token`, Drone `Bearer`."""
        return cls(url, f"{scheme} {token}")

    @classmethod
    def by_password(cls, url: str, name: str, password: str) -> ServiceClient:
        """As an account by its password."""
        return cls(url, "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())

    def ask(self, method: str, path: str, body: Any = None, *, accept: Collection[int] = ()) -> tuple[int, Any]:
        """Status and JSON of an answer.

        accept: statuses beyond 2xx that the caller knows what to do with. Raises SetupError for all others.
        """
        try:
            answer = self._http.ask(method, path, Deadline(TIMEOUT), body=body, accept=accept)
        except StatusError as error:
            text = error.answer.body.decode(errors="replace").strip()[:300]
            raise SetupError(f"{method} {self.url}{path} answered {error.answer.status}: {text}") from error
        except ServiceError as error:
            raise SetupError(f"{method} {self.url}{path} got no answer: {error.__cause__ or error}") from error
        return answer.status, answer.json

    def get(self, path: str) -> Any:
        """JSON of a path, or None where there is nothing."""
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

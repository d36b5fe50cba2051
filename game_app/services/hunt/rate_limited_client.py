"""HTTP client that asks nothing of a service for as long as the service wants to be left alone."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Final

from ..bounded_reader import Deadline
from ..http_client import Answer, HttpClient, ServiceError, StatusError

_FORBIDDEN, _TOO_MANY = 403, 429
PAUSE: Final = 60.0
"""Seconds to wait where a service that has too many requests does not say how long."""
LONGEST_PAUSE: Final = 3600.0
"""Seconds: GitHub counts requests by the hour."""


class RateLimitedClient(HttpClient):
    """One service that bounds how often it may be asked, such as GitHub.

    Who asks on meanwhile may be shut out for good.
    Source: docs.github.com/en/rest, "Best practices for using the REST API", "Handle rate limit errors appropriately"
    """

    _until = 0.0
    """When the next request may be made, by `time.monotonic`."""

    def ask(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """Answer to a request. Raises ServiceError, without a request, while the service is to be left alone."""
        left = self._until - time.monotonic()
        if left > 0:
            raise ServiceError(f"{self.service} may be asked again in {max(1, round(left))} seconds")
        try:
            answer = super().ask(method, path, deadline, body=body, headers=headers, accept=accept)
        except StatusError as error:
            self._heed(error.answer)
            raise
        self._heed(answer)
        return answer

    def _heed(self, answer: Answer) -> None:
        pause = _pause(answer)
        if pause > 0:
            self._until = max(self._until, time.monotonic() + min(pause, LONGEST_PAUSE))


def _pause(answer: Answer) -> float:
    """Seconds for which an answer asks to be left alone; 0: for none, whatever else it refuses."""
    if answer.status not in {_FORBIDDEN, _TOO_MANY}:
        return 0.0
    after, reset = (str(answer.headers.get(name, "")) for name in ("Retry-After", "X-RateLimit-Reset"))
    if after.isdecimal():
        return float(after)
    if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return float(reset) - time.time()
    return PAUSE if answer.status == _TOO_MANY else 0.0

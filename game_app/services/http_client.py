"""HTTP client of all programs: an answer is bounded in size and, from the connection to its last byte, in time.

The name server is asked by the C library, whose own timeout holds in that place alone.
"""

from __future__ import annotations

import http.client
import io
import json
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urljoin, urlsplit

from .bounded_reader import BoundedReader, Deadline, TooLongError

LARGEST: Final = 1024 * 1024
"""Bytes of an answer's body that are read, where a client says no other number."""
HEADERS: Final = 64 * 1024
"""Bytes of an answer's status line and headers that are read."""
_PIECE: Final = 64 * 1024
_REDIRECTS: Final = 3
"""Redirects that are followed one after the other."""


class ServiceError(Exception):
    """A service gave no answer of use; the text names the service, and is fit for a team to read."""


class TooLargeError(ServiceError):
    """A service answered with more bytes than are read."""


class StatusError(ServiceError):
    """A service answered with a status that the caller does not expect."""

    def __init__(self, service: str, answer: Answer) -> None:
        super().__init__(f"{service} answered {answer.status}")
        self.answer = answer


@dataclass(frozen=True)
class Answer:
    """Answer to one request."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """Body as JSON; None where there is no body, or none in JSON."""
        try:
            return json.loads(self.body) if self.body.strip() else None
        except (ValueError, RecursionError):
            return None


class HttpClient:
    """One service over HTTP, asked with the same headers each time. May be used from many threads."""

    def __init__(
        self,
        service: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        largest: int = LARGEST,
    ) -> None:
        """service: name for errors. url: root of all paths. largest: bytes of a body that are read."""
        self.service = service
        self.url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._tls = tls
        self._largest = largest

    def get(self, path: str, deadline: Deadline) -> Any:
        """JSON of a path, or None where there is nothing. Raises ServiceError."""
        answer = self.ask("GET", path, deadline, accept=(404,))
        return None if answer.status == 404 else answer.json

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
        """Answer to a request with a body in JSON; GET follows redirects to the same origin.

        accept: statuses beyond 2xx that the caller knows what to do with. Raises StatusError for all others, and
        ServiceError where no whole answer came in time.
        """
        given = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
        answer = self.send(method, path, deadline, body=given, headers=headers)
        for _ in range(_REDIRECTS):
            if method != "GET" or answer.status not in {301, 302, 307, 308} or answer.status in accept:
                break
            path = self._redirected(path, answer)
            answer = self.send(method, path, deadline, headers=headers)
        if not 200 <= answer.status < 300 and answer.status not in accept:
            raise StatusError(self.service, answer)
        return answer

    def send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Answer to one request, whatever its status. Raises ServiceError where no whole answer came in time."""
        try:
            connection = self._connection(deadline)
        except TimeoutError as error:
            raise self._silent() from error
        connection.response_class = cast("Any", partial(_response, deadline, HEADERS + self._largest))
        try:
            headers = {**self._headers, **(headers or {}), "Connection": "close"}
            connection.request(method, urlsplit(self.url).path + path, body, headers)
            with connection.getresponse() as answered:
                return Answer(answered.status, answered.headers, self._body(answered))
        except TooLongError as error:
            raise TooLargeError(f"{self.service} answered more than {self._largest} bytes") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._silent() from error
        finally:
            connection.close()

    def _connection(self, deadline: Deadline) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            tls = self._tls or ssl.create_default_context()
            return http.client.HTTPSConnection(parts.netloc, timeout=deadline.left(), context=tls)
        return http.client.HTTPConnection(parts.netloc, timeout=deadline.left())

    def _body(self, answered: http.client.HTTPResponse) -> bytes:
        # Piece by piece: whole, Python would first make room for whatever length the answer promises.
        pieces: list[bytes] = []
        size = 0
        while piece := answered.read1(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > self._largest:
                raise TooLongError("more was sent than is read")
        if answered.length:
            raise http.client.IncompleteRead(b"", answered.length)
        return b"".join(pieces)

    def _redirected(self, path: str, answer: Answer) -> str:
        """Path that an answer leads to. Raises ServiceError for another origin, which gets no credentials of ours."""
        target = urljoin(self.url + path, answer.headers.get("Location", ""))
        if not target.startswith(self.url + "/"):
            raise ServiceError(f"{self.service} leads to another place than {self.url}")
        return target.removeprefix(self.url)

    def _silent(self) -> ServiceError:
        return ServiceError(f"{self.service} did not answer in time")


class _Connected:
    """What HTTPResponse wants of a socket."""

    def __init__(self, reader: BoundedReader) -> None:
        self._reader = reader

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode
        return io.BufferedReader(self._reader)


def _response(deadline: Deadline, limit: int, connection: Any, **options: Any) -> http.client.HTTPResponse:
    return http.client.HTTPResponse(cast("Any", _Connected(BoundedReader(connection, deadline, limit))), **options)

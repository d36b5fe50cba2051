"""HTTP server of all programs, bounded in headers, bodies, time and simultaneous connections."""

from __future__ import annotations

import io
import queue
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final, TypeAlias

from .bounded_reader import BoundedReader, Deadline, TooLongError
from .json_log import log_entry

HEADERS: Final = 32 * 1024
"""Bytes of a request line and its headers."""
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
_TEXT: Final = "text/plain; charset=utf-8"
_Request: TypeAlias = socket.socket | tuple[bytes, socket.socket]
_Accepted: TypeAlias = tuple[_Request, Any]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one server."""

    body: int
    """Bytes of a request's body; 0: none is read."""
    seconds: float
    """Within which a request is there whole; and, once more, within which its caller takes the answer."""
    connections: int
    """Requests that are worked on at the same time; the others wait in the kernel's queue."""


class BadRequestError(Exception):
    """A request is refused before anybody has looked at what it asks for."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class BoundedServer(HTTPServer):
    """Server with a thread for each connection at the same time, and a limit to their number.

    Threads are kept for later connections: to begin one costs as much as half of a small answer.
    """

    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: type[BoundedHandler], limits: Limits) -> None:
        self.limits = limits
        self._places = threading.BoundedSemaphore(limits.connections)
        self._idle = threading.Semaphore(0)
        self._accepted: queue.SimpleQueue[_Accepted | None] = queue.SimpleQueue()
        self._threads = 0
        super().__init__(address, handler)

    def process_request(self, request: _Request, client_address: Any) -> None:
        """Hand a connection to a thread, once there is a place for one more."""
        self._places.acquire()
        if not self._idle.acquire(blocking=False):
            try:
                threading.Thread(target=self._work, daemon=True).start()
            except BaseException:
                self._places.release()
                raise
            self._threads += 1
        self._accepted.put((request, client_address))

    def server_close(self) -> None:
        """Accept nothing any more; connections that are worked on are not waited for."""
        super().server_close()
        for _ in range(self._threads):
            self._accepted.put(None)

    def _work(self) -> None:
        while accepted := self._accepted.get():
            try:
                self.finish_request(*accepted)
            except Exception:
                self.handle_error(*accepted)
            finally:
                self.shutdown_request(accepted[0])
                self._idle.release()
                self._places.release()

    def handle_error(self, request: _Request, client_address: Any) -> None:
        """Log what ended a request, and go on."""
        del request, client_address
        error = sys.exc_info()[1]
        if isinstance(error, (ConnectionError, TimeoutError)):
            self.log_lost(error)
        else:
            self.log_failed(error)

    def log_lost(self, error: BaseException) -> None:
        """Log that a caller went away; by default nobody is told."""

    def log_failed(self, error: BaseException | None) -> None:
        """Log that the program has a mistake."""
        log_entry({"level": "error", "event": "broken", "reason": type(error).__name__})


class BoundedHandler(BaseHTTPRequestHandler):
    """One request of a BoundedServer. A connection serves no second one."""

    server: BoundedServer  # pyright: ignore[reportIncompatibleVariableOverride] - only a BoundedServer makes it
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._reader = BoundedReader(self.connection, Deadline(self.server.limits.seconds), HEADERS)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except TooLongError:
            # Of the request line itself; of the headers, the base class tells.
            self.requestline = self.request_version = self.command = ""
            self.send_error(431)

    def body(self) -> bytes:
        """Whole body of the request. Raises BadRequestError without one length, beyond the limit, or when cut off."""
        given = self.headers.get_all("Content-Length") or []
        # Two lengths, or a length and pieces: a proxy before this server may have counted otherwise.
        if len(given) != 1 or not (given[0].isascii() and given[0].isdigit()) or "Transfer-Encoding" in self.headers:
            raise BadRequestError(411, "the length is missing")
        length = int(given[0]) if len(given[0]) < 20 else sys.maxsize
        if length > self.server.limits.body:
            raise BadRequestError(413, "the request is too long")
        self._reader.extend(length)
        read = self.rfile.read(length)
        if len(read) != length:
            raise BadRequestError(400, "the request is cut off")
        return read

    def send(self, status: int, body: bytes, kind: str = _TEXT, headers: Mapping[str, str] | None = None) -> None:
        """Send an answer. kind: its media type."""
        named = {"Content-Type": kind, **(headers or {}), "Content-Length": str(len(body))}
        lines = [f"{self.protocol_version} {status} {responses.get(status, '')}"]
        lines += [f"{name}: {value}" for name, value in named.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        # For all that is written here: the socket's own timeout counts a single `sendall`.
        self.connection.settimeout(self.server.limits.seconds)
        self.wfile.write(head if self.command == "HEAD" else head + body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no proper request, without a word of it in the answer or in a log."""
        del message, explain
        self.close_connection = True
        self.send(code, f"{responses.get(code, 'refused')}\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing of a request by itself: its text is the caller's."""


def hold_signals() -> None:
    """Keep SIGTERM and SIGINT for `serve_until_ended`; to be called before the first thread begins.

    As an exception in a thread, a signal would be lost wherever Python drops exceptions, as it does while it frees an
    object.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def serve_until_ended(*servers: BoundedServer) -> None:
    """Serve until the process is told to end, by SIGTERM or SIGINT."""
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait(_ENDING)

"""The guard on HTTP: reads a bounded request, asks `answer`, writes one line of log."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from .answer import Answer, Guard, answer
from .pipelines import SIGNATURES, PipelinesError, load, load_signatures

LONGEST_BODY: Final = 2 * 1024 * 1024
"""Bytes of a request. A push's message may be long, but Drone's own limits lie far below."""
PATIENCE: Final = 5.0
"""Seconds that a caller may be silent."""
AT_ONCE: Final = 128
"""Requests that are worked on at the same time; the others wait in the kernel's queue."""
ENDING: Final = (signal.SIGTERM, signal.SIGINT)
SHORTEST_SECRET: Final = 32
"""Bytes of a secret: a key as long as the digest, as RFC 2104 (section 3) advises."""


class Files:
    """What was loaded, with the signatures read again when their file has changed.

    Drone makes the signatures once the guard's pipelines are known, so they arrive after the guard has started.
    """

    def __init__(self, pipelines: Path, secrets: Path, signatures: Path) -> None:
        self._signatures = signatures / SIGNATURES
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        config, validate, ended = (_secret(secrets / name) for name in ("config", "validate", "ended"))
        self._guard = Guard(load(pipelines), {}, config, validate, ended)
        if len({config, validate, ended}) < 3:
            raise PipelinesError("two secrets are the same; the second lock would open with the first one's key")

    def guard(self) -> Guard:
        """Raises PipelinesError while the signatures' file cannot be read: then nothing is served."""
        with self._lock:
            try:
                state = self._signatures.stat()
                seen = (state.st_mtime_ns, state.st_ino)
            except FileNotFoundError:
                seen = None
            if seen != self._seen:
                found = load_signatures(self._signatures, self._guard.catalogue)
                self._guard = replace(self._guard, signatures=found)
                self._seen = seen
            return self._guard


def _secret(file: Path) -> bytes:
    try:
        value = file.read_bytes().strip()
    except OSError as error:
        raise PipelinesError(f"the secret {file.name} cannot be read") from error
    if len(value) < SHORTEST_SECRET:
        raise PipelinesError(f"the secret {file.name} must have {SHORTEST_SECRET} characters or more")
    return value


class Server(ThreadingHTTPServer):
    """One thread per request, and never more than `AT_ONCE`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], files: Files, clock: Callable[[], datetime] | None = None) -> None:
        self.files = files
        self.clock = clock or _now
        self._places = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        self._places.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        del request, client_address
        _log({"status": 0, "reason": f"the caller went away: {type(sys.exc_info()[1]).__name__}"})


class _Handler(BaseHTTPRequestHandler):
    """GET /healthz, and POST for the two extensions."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride] - it is only ever made by Server
    timeout = PATIENCE
    server_version = "guard"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path != "/healthz":
            self._send(Answer(404, b"there is nothing here\n", "there is nothing here"))
            return
        try:
            ready = bool(self.server.files.guard())
        except PipelinesError as error:
            self._send(Answer(503, f"{error}\n".encode(), str(error)))
            return
        self._send(Answer(200, b"ready\n", ""), quiet=ready)

    def do_POST(self) -> None:
        self._send(self._answered())

    def _answered(self) -> Answer:
        length = self.headers.get_all("content-length") or []
        if (
            len(length) != 1
            or not length[0].isascii()
            or not length[0].isdigit()
            or "transfer-encoding" in self.headers
        ):
            return Answer(411, b"the length is missing\n", "the length is missing")
        if int(length[0]) > LONGEST_BODY:
            return Answer(413, b"the request is too long\n", "the request is too long")
        body = self.rfile.read(int(length[0]))
        if len(body) != int(length[0]):
            return Answer(400, b"the request is cut off\n", "the request is cut off")
        try:
            guard = self.server.files.guard()
        except (PipelinesError, OSError) as error:
            return Answer(503, b"the guard cannot read its files\n", str(error))
        return answer(guard, self.path, self.headers.items(), body, self.server.clock())

    def _send(self, answered: Answer, *, quiet: bool = False) -> None:
        # Before Drone hears that it was noted.
        for note in answered.notes:
            _log(note)
        self.send_response_only(answered.status)
        self.send_header("Content-Type", "application/json" if answered.status == 200 else "text/plain")
        self.send_header("Content-Length", str(len(answered.body)))
        self.end_headers()
        if answered.body:
            self.wfile.write(answered.body)
        if not quiet:
            _log({"path": self.path, "status": answered.status, "reason": answered.reason})


def serve(host: str, port: int, files: Files) -> None:
    """Serve until the process is told to end, by SIGTERM or SIGINT."""
    # Every thread inherits that: a signal waits for this one, which asks for it. As an exception it would be lost
    # wherever Python drops exceptions, as it does while it frees an object.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    with Server((host, port), files) as server:
        _log({"status": 0, "reason": f"listening on {server.server_address[0]}:{server.server_address[1]}"})
        threading.Thread(target=server.serve_forever, daemon=True).start()
        signal.sigwait(ENDING)


def _now() -> datetime:
    return datetime.now(UTC)


def _log(entry: Mapping[str, object]) -> None:
    # One JSON object a line: what a caller sends cannot begin a line of its own.
    os.write(2, (json.dumps({"time": _now().isoformat(timespec="milliseconds"), **entry}) + "\n").encode())

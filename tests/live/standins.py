"""Guards as somebody careless would write them, on the real guard's own port."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.live.site import Site

Answering = Callable[[str, bytes], tuple[int, bytes]]
"""Path and body of a request to status and body of the answer."""


@contextmanager
def instead_of_the_guard(site: Site, answering: Answering) -> Generator[list[str]]:
    """Another service in the guard's place. Gives the paths that it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(self.path)
            status, text = answering(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    site.guard.stop()
    server = ThreadingHTTPServer(("127.0.0.1", site.guard_port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
        site.guard.start()


def slow(_: str, __: bytes) -> tuple[int, bytes]:
    """Later than Drone waits."""
    time.sleep(15)
    return 200, b'{"data":"kind: pipeline\\n"}'

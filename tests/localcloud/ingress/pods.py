"""Pods as a Service finds them: each a web server that tells which pod it is and what reached it."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any

from tests.gamemaster.upstream import Handler
from tests.localcloud.ingress.network import Network


class Pod:
    """Web server at one address of the network, until `close`."""

    def __init__(self, network: Network, address: str, port: int, name: str) -> None:
        class Telling(Handler):
            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # A test that has seen enough goes.
                    super().handle()

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the library's name

            def _tell(self) -> None:
                if self.path == "/wait":
                    waiting.append(self)
                    release.wait()
                told = {"pod": name, "path": self.path, "headers": dict(self.headers)}
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._waiting: list[Handler] = []
        waiting = self._waiting
        self.release = release = threading.Event()
        """Set: requests for /wait are answered."""
        self._server = ThreadingHTTPServer((address, port), Telling, bind_and_activate=False)
        self._server.socket.close()
        self._server.daemon_threads = True
        self._server.socket = network.listener(address, port)
        self._server.server_name, self._server.server_port = name, port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many requests for /wait have come."""
        return len(self._waiting)

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        socketserver.TCPServer.server_close(self._server)


@dataclass(frozen=True)
class Told:
    """What a pod was asked."""

    pod: str
    path: str
    headers: dict[str, str]

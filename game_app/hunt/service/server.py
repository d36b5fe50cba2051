"""The hunt on HTTP: pages for teams and operators on one port, numbers for Prometheus on another.

The second port is behind no Service and no Ingress, so that no player reads how the others fare.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import TimeoutError as NotSoonEnoughError
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

from . import pages
from .game import Game
from .looking import Looking
from .metrics import Presence, exposition
from .sessions import COOKIE, LIFETIME, OPERATORS, Session, Sessions

LONGEST_BODY: Final = 8 * 1024
"""Bytes of a form."""
PATIENCE: Final = 10.0
"""Seconds that a caller may be silent."""
SOON: Final = 4.0
"""Seconds that a page waits for a check; later than that the team loads it again."""
AT_ONCE: Final = 512
"""Requests that are worked on at the same time."""
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class HuntServer(ThreadingHTTPServer):
    """One thread per request, and never more than `AT_ONCE`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], game: Game, looking: Looking, sessions: Sessions, presence: Presence
    ) -> None:
        self.game = game
        self.looking = looking
        self.sessions = sessions
        self.presence = presence
        self.secure = game.place.page_url.startswith("https:")
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
        """A caller went away, or a page failed: the log says so, and the service goes on."""
        del request, client_address
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            log("broken", level="error")


class _Handler(BaseHTTPRequestHandler):
    server: HuntServer  # pyright: ignore[reportIncompatibleVariableOverride] - it is only ever made by HuntServer
    timeout = PATIENCE
    server_version = "hunt"
    sys_version = ""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        game, session = self.server.game, self._session()
        if path == "/healthz":
            self._send(200, b"ready\n", "text/plain; charset=utf-8")
        elif path == "/style.css":
            self._send(200, pages.STYLE, "text/css; charset=utf-8")
        elif path == "/" and session is None:
            self._page(200, pages.welcome(game))
        elif path == "/" and session is not None and session.who != OPERATORS:
            self.server.presence.note(session.who, session.browser)
            self._page(200, pages.team(game, session, datetime.now(UTC).timestamp()))
        elif path == "/":
            self._go("/operators")
        elif path == "/operators" and session is None:
            self._go("/")
        elif path == "/operators" and session is not None and session.who == OPERATORS:
            self._page(200, pages.operators(game, session, datetime.now(UTC).timestamp()))
        else:
            self._page(404, pages.note(game, "Nothing here", "There is nothing at this address.", session))

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        form = self._form()
        if form is None:
            return
        if not self._from_here():
            self._refuse()
        elif path == "/login":
            self._log_in(form.get("code", ""))
        else:
            session = self._session()
            if session is None:
                self._go("/")
            elif not hmac.compare_digest(form.get("form", "").encode(), session.form.encode()):
                self._refuse()
            else:
                self._act(path, session, form)

    def _act(self, path: str, session: Session, form: Mapping[str, str]) -> None:
        """What somebody who has logged in asks for by one of the service's own forms."""
        server = self.server
        if path == "/logout":
            self._go("/", cookie="")
        elif session.who == OPERATORS and path in {"/begin", "/close"}:
            server.game.run(running=path == "/begin")
            self._go("/operators")
        elif session.who != OPERATORS and path == "/hint":
            server.presence.note(session.who, session.browser)
            server.game.hint(session.who)
            self._go("/")
        elif session.who != OPERATORS and path == "/check":
            server.presence.note(session.who, session.browser)
            try:
                server.looking.ask(session.who, form.get("answer", "")).result(SOON)
            except NotSoonEnoughError:
                text = "Somebody is still looking. Load the first page again in a moment."
                self._page(202, pages.note(server.game, "Still looking", text, session))
                return
            self._go("/")
        else:
            self._page(404, pages.note(server.game, "Nothing here", "There is nothing at this address.", session))

    def _log_in(self, code: str) -> None:
        cookie = self.server.sessions.log_in(code)
        if cookie is None:
            log("refused", level="warning")
            self._page(403, pages.welcome(self.server.game, wrong=True))
            return
        who = self.server.sessions.session(f"{COOKIE}={cookie}")
        if who is not None and who.who != OPERATORS:
            log("entered", team=who.who, step=self.server.game.standing(who.who).number)
        self._go("/", cookie=cookie)

    def _session(self) -> Session | None:
        return self.server.sessions.session(self.headers.get("Cookie"))

    def _from_here(self) -> bool:
        """Whether a form was sent by one of our own pages, as far as the browser says."""
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        return site in {"same-origin", "none"} and origin in {None, *self._own_origins()}

    def _own_origins(self) -> tuple[str, str]:
        host = self.headers.get("Host", "")
        return f"http://{host}", f"https://{host}"

    def _form(self) -> dict[str, str] | None:
        """The fields of a form; None once an error was answered."""
        length = self.headers.get("Content-Length") or ""
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self._send(411, b"the length is missing\n", "text/plain; charset=utf-8")
            return None
        if int(length) > LONGEST_BODY:
            self._send(413, b"the form is too long\n", "text/plain; charset=utf-8")
            return None
        try:
            fields = parse_qs(self.rfile.read(int(length)).decode(), keep_blank_values=True, max_num_fields=10)
        except ValueError:
            self._send(400, b"the form cannot be read\n", "text/plain; charset=utf-8")
            return None
        return {name: values[0] for name, values in fields.items()}

    def _refuse(self) -> None:
        text = "This form was not sent by a page of the hunt, or is too old. Load the first page and try again."
        self._page(403, pages.note(self.server.game, "Not from here", text))

    def _page(self, status: int, html: str) -> None:
        self._send(status, html.encode(), "text/html; charset=utf-8")

    def _go(self, path: str, *, cookie: str | None = None) -> None:
        """Lead the browser to a page. cookie: the session's value from now on; empty: none."""
        headers = {"Location": path}
        if cookie is not None:
            secure = "; Secure" if self.server.secure else ""
            age = LIFETIME if cookie else 0
            headers["Set-Cookie"] = f"{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}"
        self._send(303, b"", "text/plain; charset=utf-8", headers)

    def _send(self, status: int, body: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {**_HEADERS, "Content-Type": kind, **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class MetricsServer(ThreadingHTTPServer):
    """GET /metrics, for Prometheus alone."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], game: Game, presence: Presence) -> None:
        self.game = game
        self.presence = presence
        super().__init__(address, _MetricsHandler)


class _MetricsHandler(BaseHTTPRequestHandler):
    server: MetricsServer  # pyright: ignore[reportIncompatibleVariableOverride] - it is only ever made by MetricsServer
    timeout = PATIENCE

    def do_GET(self) -> None:
        found = self.path == "/metrics"
        body = exposition(self.server.game, self.server.presence).encode() if found else b"there is nothing here\n"
        self.send_response_only(200 if found else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def log(event: str, *, level: str = "info", team: str | None = None, step: int | None = None) -> None:
    """Write one event, one JSON object a line.

    The team is `of_team`: every line gets a label `team` on its way, which says who wrote it.
    """
    entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": event}
    of = {} if team is None else {"of_team": team, "step": step}
    os.write(2, (json.dumps({**entry, **of}) + "\n").encode())

"""HTTP server of the hunt: pages for teams and operators."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from concurrent.futures import TimeoutError as NotSoonEnoughError
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from ..http_server import BadRequestError, BoundedHandler, BoundedServer, Limits
from . import pages
from .game import Game
from .hunt_log import log
from .hunt_metrics import Presence
from .poller import Poller
from .sessions import COOKIE, LIFETIME, OPERATORS, Session, Sessions

LIMITS: Final = Limits(body=8 * 1024, seconds=10, connections=512)
"""A body is a form."""
SOON: Final = 4.0
"""Seconds that a page waits for a check; later than that the team loads it again."""
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class HuntServer(BoundedServer):
    """Pages and forms of the hunt."""

    def __init__(
        self, address: tuple[str, int], game: Game, poller: Poller, sessions: Sessions, presence: Presence
    ) -> None:
        self.game = game
        self.poller = poller
        self.sessions = sessions
        self.presence = presence
        self.secure = game.urls.page_url.startswith("https:")
        self._refused_at = 0.0
        super().__init__(address, _Handler, LIMITS)

    def log_refused(self) -> None:
        """Log that a code was wrong, once a second at most: anybody may try as many as they like."""
        if time.monotonic() - self._refused_at >= 1.0:
            self._refused_at = time.monotonic()
            log("refused", level="warning")

    def log_failed(self, error: BaseException | None) -> None:
        log("broken", level="error")


class _Handler(BoundedHandler):
    server: HuntServer  # pyright: ignore[reportIncompatibleVariableOverride] - only a HuntServer makes it
    server_version = "hunt"

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
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

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
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
        """Do what somebody who has logged in asks for by one of the service's own forms."""
        server = self.server
        if path == "/logout":
            self._go("/", cookie="")
        elif session.who == OPERATORS and path in {"/begin", "/close"}:
            server.game.run(running=path == "/begin")
            self._go("/operators")
        elif session.who == OPERATORS and path == "/renew" and form.get("team") in server.game.teams:
            self._renew(form["team"], session)
        elif session.who != OPERATORS and path == "/hint":
            server.presence.note(session.who, session.browser)
            server.game.hint(session.who)
            self._go("/")
        elif session.who != OPERATORS and path == "/check":
            server.presence.note(session.who, session.browser)
            try:
                server.poller.request_check(session.who, form.get("answer", "")).result(SOON)
            except NotSoonEnoughError:
                text = "Somebody is still looking. Load the first page again in a moment."
                self._page(202, pages.note(server.game, "Still looking", text, session))
                return
            self._go("/")
        else:
            self._page(404, pages.note(server.game, "Nothing here", "There is nothing at this address.", session))

    def _renew(self, team: str, session: Session) -> None:
        code = self.server.sessions.renew(team)
        log("renewed", team=team, step=self.server.game.status(team).number)
        text = (
            f"Team {team} logs in with {code} from now on. Write it on the team's sheet: it is shown this once. "
            "The old code opens nothing, and whoever logged in with it is logged out."
        )
        self._page(200, pages.note(self.server.game, "A new code", text, session))

    def _log_in(self, code: str) -> None:
        cookie = self.server.sessions.log_in(code)
        if cookie is None:
            self.server.log_refused()
            self._page(403, pages.welcome(self.server.game, wrong=True))
            return
        who = self.server.sessions.session(f"{COOKIE}={cookie}")
        if who is not None and who.who != OPERATORS:
            log("entered", team=who.who, step=self.server.game.status(who.who).number)
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
        """Fields of a form; None once an error was answered."""
        try:
            fields = parse_qs(self.body().decode(), keep_blank_values=True, max_num_fields=10)
        except BadRequestError as refused:
            self._send(refused.status, f"{refused}\n".encode(), "text/plain; charset=utf-8")
            return None
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
        self.send(status, body, kind, {**_HEADERS, **(more or {})})

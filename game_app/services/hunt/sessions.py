"""Who asks: a cookie that the service signs, so that it needs to remember nobody."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

from .codes import operators_code, plain, team_code
from .hunt_progress import Progress

COOKIE: Final = "hunt"
LIFETIME: Final = 7 * 86400
"""Seconds that a login lasts: longer than an event."""
OPERATORS: Final = "*"
"""Who the operators are in a cookie; no team may be called so."""


@dataclass(frozen=True)
class Session:
    """Somebody who has logged in."""

    who: str
    """A team's name, or OPERATORS."""
    browser: str
    """A random name of the browser, by which players are counted."""
    form: str
    """What every form of this session carries, so that no other page can send one."""


class Sessions:
    """Lets teams and operators in by their codes, and knows them again by their cookies."""

    def __init__(
        self, key: str, teams: Mapping[str, object], progress: Progress, clock: Callable[[], float] = time.time
    ) -> None:
        """progress: knows how often each team's code was renewed."""
        self._key = key
        self._clock = clock
        self._progress = progress
        self._codes = {plain(self._code(team)): team for team in teams}
        self._codes[plain(operators_code(key))] = OPERATORS
        self._teams = teams

    def log_in(self, code: str) -> str | None:
        """The cookie's value for whoever has the code, or None."""
        who = self._codes.get(plain(code))
        if who is None:
            return None
        renewals, browser = self._progress.renewals(who), secrets.token_hex(8)
        written = f"{who}.{renewals}.{browser}.{int(self._clock()) + LIFETIME}"
        return f"{written}.{self._signed('session', written)}"

    def session(self, header: str | None) -> Session | None:
        """Who sent a Cookie header; None unless the service wrote it, and not too long ago."""
        try:
            morsel = SimpleCookie(header or "").get(COOKIE)
        except CookieError:
            return None
        value = morsel.value if morsel else ""
        written, _, signature = value.rpartition(".")
        if not value.isascii() or not hmac.compare_digest(signature, self._signed("session", written)):
            return None
        who, renewals, browser, end = written.split(".")
        if int(end) < self._clock() or (who != OPERATORS and who not in self._teams):
            return None
        if int(renewals) != self._progress.renewals(who):
            return None
        return Session(who, browser, self._signed("form", written))

    def renew(self, team: str) -> str:
        """New code of a team. The old code opens nothing any more; who logged in with the old code is logged out."""
        old = plain(self._code(team))
        self._progress.renew(team)
        code = self._code(team)
        self._codes = {each: who for each, who in self._codes.items() if each != old} | {plain(code): team}
        return code

    def _code(self, team: str) -> str:
        return team_code(self._key, team, self._progress.renewals(team))

    def _signed(self, purpose: str, text: str) -> str:
        return hmac.digest(self._key.encode(), f"{purpose}\0{text}".encode(), "sha256").hex()[:40]

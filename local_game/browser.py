"""Browser for the hunt's own pages."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

TIMEOUT: Final = 30.0


class Browser:
    """Browser without scripts: keeps its cookie and follows redirects."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, Mapping[str, str]]:
        """Status, page and headers of one answer, redirects not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            body = None if form is None else urlencode(form)
            kind = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
            cookie = {"Cookie": self.cookie} if self.cookie else {}
            connection.request(method, path, body, {**kind, **cookie, **(headers or {})})
            answered = connection.getresponse()
            text = answered.read().decode()
            given = {name.lower(): value for name, value in answered.getheaders()}
        finally:
            connection.close()
        if "set-cookie" in given:
            self.cookie = given["set-cookie"].partition(";")[0]
        return answered.status, text, given

    def page(self, path: str = "/") -> str:
        status, text, headers = self.ask("GET", path)
        return self.page(headers["location"]) if status == 303 else text

    def log_in(self, code: str) -> str:
        """Page after the login with a code."""
        status, text, headers = self.ask("POST", "/login", {"code": code})
        return self.page(headers["location"]) if status == 303 else text

    def press(self, path: str, **fields: str) -> str:
        """Page after one of the page's own forms was sent."""
        found = re.search(r'name="form" value="([0-9a-f]+)"', self.page())
        if found is None:
            raise LookupError("the page has no form")
        status, text, headers = self.ask("POST", path, {"form": found[1], **fields})
        return self.page(headers["location"]) if status == 303 else text

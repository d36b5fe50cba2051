"""Logs an account of Gitea in at Drone as its owner would in a browser: Drone takes its token in no other way."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from html import unescape
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from game_app.scm.setup.plan import GiteaPlan
from game_app.scm.setup.web import PATIENCE, SetupError

_INPUT: Final = re.compile(r"<input[^>]*>")
_ATTRIBUTE: Final = re.compile(r'(\w+)="([^"]*)"')


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """Where a page sends its reader is the next step's business."""


def log_in(plan: GiteaPlan, name: str) -> None:
    """Give Drone the account's token by the OAuth dialogue. Raises SetupError where it ends elsewhere."""
    # Gitea is served to people by TLS and marks its cookies so; here it is asked beside it, in its own pod.
    cookies = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies), _NoRedirects())
    authorize = _step(browser, f"{plan.drone_url}/login")[0]
    page = f"{plan.scm_url}/user/login"
    form = {**_hidden(_step(browser, page)[1]), "user_name": name, "password": plan.passwords[name]}
    if not _step(browser, page, form)[0]:
        raise SetupError(f"{page} did not let {name} in")
    # Gitea's public address may be another than the one inside the cluster.
    asked = f"{plan.scm_url}{_path(authorize)}"
    callback, dialogue = _step(browser, asked)
    if not callback:
        grant = {**_hidden(dialogue), "granted": "true"}
        callback = _step(browser, f"{plan.scm_url}/login/oauth/grant", grant)[0]
    if "code=" not in callback:
        raise SetupError(f"{plan.scm_url} did not authorise Drone for {name}")
    arrived = _step(browser, f"{plan.drone_url}{_path(callback)}")[0]
    if "error" in arrived:
        raise SetupError(f"{plan.drone_url} did not let {name} in")


def _step(browser: urllib.request.OpenerDirector, url: str, form: dict[str, str] | None = None) -> tuple[str, str]:
    """Where a page sends its reader, which is empty where it shows something, and what it shows."""
    data = None if form is None else urlencode(form).encode()
    try:
        with browser.open(url, data, timeout=PATIENCE) as shown:
            return "", shown.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            if 300 <= error.code < 400:
                return urljoin(url, error.headers.get("Location", "")), ""
            raise SetupError(f"{url.partition('?')[0]} answered {error.code}") from error
    except OSError as error:
        raise SetupError(f"{url.partition('?')[0]} got no answer: {error}") from error


def _hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    fields = [dict(_ATTRIBUTE.findall(tag)) for tag in _INPUT.findall(page)]
    return {each["name"]: unescape(each.get("value", "")) for each in fields if each.get("type") == "hidden"}


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path

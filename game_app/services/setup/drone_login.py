"""Login of a Gitea account at Drone, as its owner would do in a browser: Drone takes a token in no other way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from ..bounded_reader import Deadline
from ..http_client import HttpClient, ServiceError
from .service_client import TIMEOUT
from .setup_faults import SetupError
from .setup_plan import GiteaPlan

_INPUT: Final = re.compile(r"<input[^>]*>")
_ATTRIBUTE: Final = re.compile(r'(\w+)="([^"]*)"')


def log_in(plan: GiteaPlan, name: str) -> None:
    """Give Drone the account's token by the OAuth dialogue. Raises SetupError where it ends elsewhere."""
    drone, gitea = _Browser(plan.drone_url), _Browser(plan.scm_url)
    authorize = drone.open("/login")[0]
    form = {**_hidden(gitea.open("/user/login")[1]), "user_name": name, "password": plan.passwords[name]}
    if not gitea.open("/user/login", form)[0]:
        raise SetupError(f"{plan.scm_url}/user/login did not let {name} in")
    # Gitea's public address may be another than the one inside the cluster.
    callback, dialogue = gitea.open(_path(authorize))
    if not callback:
        callback = gitea.open("/login/oauth/grant", {**_hidden(dialogue), "granted": "true"})[0]
    if "code=" not in callback:
        raise SetupError(f"{plan.scm_url} did not authorise Drone for {name}")
    arrived = drone.open(_path(callback))[0]
    if "error" in arrived:
        raise SetupError(f"{plan.drone_url} did not let {name} in")


class _Browser:
    """Pages of one service, and its cookies.

    Gitea is served to people by TLS and marks its cookies so; here it is asked beside it, in its own pod.
    """

    def __init__(self, url: str) -> None:
        self._http = HttpClient(url, url)
        self._url = url
        self._cookies: dict[str, str] = {}

    def open(self, path: str, form: Mapping[str, str] | None = None) -> tuple[str, str]:
        """Address that a page redirects to, which is empty where it shows something; and the page itself."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies} if cookies else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        method, body = ("GET", None) if form is None else ("POST", urlencode(form).encode())
        shown = f"{self._url}{path}".partition("?")[0]
        try:
            answer = self._http.send(method, path, Deadline(TIMEOUT), body=body, headers=headers)
        except ServiceError as error:
            raise SetupError(f"{shown} got no answer: {error.__cause__ or error}") from error
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value.strip()
        if 300 <= answer.status < 400:
            return urljoin(f"{self._url}{path}", answer.headers.get("Location", "")), ""
        if answer.status >= 400:
            raise SetupError(f"{shown} answered {answer.status}")
        return "", answer.body.decode(errors="replace")


def _hidden(page: str) -> dict[str, str]:
    """Hidden fields of a page's forms."""
    fields = [dict(_ATTRIBUTE.findall(tag)) for tag in _INPUT.findall(page)]
    return {each["name"]: unescape(each.get("value", "")) for each in fields if each.get("type") == "hidden"}


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path

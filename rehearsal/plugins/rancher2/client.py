"""Rancher's HTTP API, as a client sees it."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import aiohttp

from rehearsal.plugins.provider_model import ProviderError

T = TypeVar("T")
View = dict[str, Any]

# How long to wait before looking again, in seconds: short, for a Rancher on this machine.
RETRY = 0.25


class RancherError(ProviderError):
    """An answer of Rancher's that is an error. status: of HTTP; 0 when there was no answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    @property
    def gone(self) -> bool:
        """Not there, or no longer to be seen, which for an administrator is the same."""
        return self.status in {403, 404}


@dataclass
class Rancher:
    """One Rancher, asked with one token.

    url: scheme, host and port. token: `id:secret`, or empty. timeout: seconds that waiting for it to be
    ready may take. bootstrap: whether it is being set up, so that there is no token yet.
    """

    url: str
    token: str
    bootstrap: bool
    timeout: float
    ca_certs: str
    insecure: bool
    _sessions: list[aiohttp.ClientSession] = field(default_factory=list[aiohttp.ClientSession])
    _ready: bool = False

    def asked_with(self, token: str) -> Rancher:
        """The same Rancher with another token."""
        return Rancher(
            self.url, token, self.bootstrap, self.timeout, self.ca_certs, self.insecure, self._sessions, self._ready
        )

    async def close(self) -> None:
        while self._sessions:
            await self._sessions.pop().close()

    async def find(self, collection: str, identity: str) -> View | None:
        """One object, or None when it is not there."""
        try:
            return await self.get(collection, identity)
        except RancherError as error:
            if error.gone:
                return None
            raise

    async def get(self, collection: str, identity: str) -> View:
        return await self._ask("GET", f"{self.url}/v3/{collection}/{identity}")

    async def list(self, collection: str, **filters: str) -> list[View]:
        answer = await self._ask("GET", f"{self.url}/v3/{collection}", parameters=filters)
        return cast("list[View]", answer["data"])

    async def create(self, collection: str, body: View) -> View:
        return await self._ask("POST", f"{self.url}/v3/{collection}", body)

    async def update(self, view: View, body: View) -> View:
        return await self._ask("PUT", view["links"]["self"], body)

    async def act(self, view: View, action: str, body: View) -> View:
        return await self._ask("POST", view["actions"][action], body)

    async def delete(self, view: View) -> None:
        await self._ask("DELETE", view["links"]["self"])

    async def login(self, username: str, password: str, description: str) -> str:
        """A token for a session of that user. Raises RancherError (401) if the password is not theirs."""
        body = {
            "type": "localProvider",
            "username": username,
            "password": password,
            "ttl": 60_000,
            "description": description,
        }
        try:
            answer = await self._ask("POST", f"{self.url}/v1-public/login", body)
        except RancherError as error:
            if error.status != 404:
                raise
            # Before 2.12.
            answer = await self._ask("POST", f"{self.url}/v3-public/localProviders/local?action=login", body)
        return str(answer["token"]).removeprefix("ext/")

    async def valid(self) -> bool:
        """Whether Rancher takes the token."""
        if not self.token:
            return False
        try:
            await self._ask("GET", f"{self.url}/v3")
        except RancherError as error:
            if error.status == 401:
                return False
            raise
        return True

    async def _ask(
        self, method: str, url: str, body: View | None = None, parameters: dict[str, str] | None = None
    ) -> View:
        await self.ready()
        status, text = await self._send(method, url, body, parameters)
        if status == 401 and self.token and "public" not in url:
            raise RancherError(
                status,
                f"Rancher at {self.url} does not take the API token: it has expired or was deleted. "
                "Run 'pulumi refresh --target' with the URN of the Bootstrap, then 'pulumi up': it makes a new one.",
            )
        if status >= 300:
            raise RancherError(status, f"Rancher at {self.url} refused to {method} {_path(url)}: {_said(status, text)}")
        return cast("View", json.loads(text)) if text else {}

    async def ready(self) -> None:
        """Waits until Rancher answers at all; raises ProviderError when that takes longer than `timeout`."""
        if self._ready:
            return

        async def pong() -> bool | None:
            try:
                status, text = await self._send("GET", f"{self.url}/ping", None, None)
            except RancherError:
                return None
            return True if status == 200 and text.strip() == "pong" else None

        await until(pong, self.timeout, f"Rancher at {self.url} did not become ready: {self.url}/ping must say pong.")
        self._ready = True

    async def _send(
        self, method: str, url: str, body: View | None, parameters: dict[str, str] | None
    ) -> tuple[int, str]:
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            async with self._session().request(method, url, json=body, params=parameters, headers=headers) as answer:
                return answer.status, await answer.text()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise RancherError(
                0, f"Rancher at {self.url} did not answer {method} {_path(url)}: {error or type(error).__name__}"
            ) from error

    def _session(self) -> aiohttp.ClientSession:
        if not self._sessions:
            context = ssl.create_default_context()
            if self.ca_certs:
                context.load_verify_locations(cadata=self.ca_certs)
            connector = aiohttp.TCPConnector(ssl=False if self.insecure else context)
            limit = aiohttp.ClientTimeout(total=60)
            self._sessions.append(aiohttp.ClientSession(connector=connector, timeout=limit))
        return self._sessions[0]


def part(view: View, name: str) -> View:
    """An object in an object; empty where it is missing or null."""
    return cast("View", view.get(name) or {})


def parts(view: View, name: str) -> list[View]:
    """A list of objects in an object; empty where it is missing or null."""
    return cast("list[View]", view.get(name) or [])


async def until(look: Callable[[], Awaitable[T | None]], seconds: float, otherwise: str) -> T:
    """Looks until there is something; raises ProviderError with the text `otherwise` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = await look()
        if found is not None:
            return found
        if time.monotonic() >= deadline:
            raise ProviderError(f"{otherwise} Waited {seconds:.0f} s.")
        await asyncio.sleep(RETRY)


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[-1].partition("?")[0]


def _said(status: int, text: str) -> str:
    """What an error of Rancher's says; behind a proxy it may be no JSON."""
    try:
        answer: object = json.loads(text)
    except json.JSONDecodeError:
        answer = None
    if isinstance(answer, dict):
        said = cast("View", answer)
        return f"{status} {said.get('code', '')}: {said.get('message', '')}"
    return f"{status} {text[:200]}"

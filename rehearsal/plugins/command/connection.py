"""SSH connections as the official provider makes them: retried, and pinned to a host key if one is given."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import asyncssh

from rehearsal.plugins.enginelog import Log
from rehearsal.plugins.fields import Field, Fields, Kind
from rehearsal.plugins.properties import Properties, map_of, number_of, text_of
from rehearsal.plugins.protocol import ProviderError

# pulumi, sdk/go/common/util/retry/until.go: the first delay, its growth, and the longest one; seconds.
FIRST_DELAY, GROWTH, LONGEST_DELAY = 0.1, 1.5, 5.0
# A stock sshd drops connections at random while more than 10 are not yet authenticated (MaxStartups).
DIALS_AT_ONCE = 6
# A host that has gone away is noticed after four of these, in seconds; a command may well be silent for long.
KEEPALIVE = 30

_ENDPOINT: Fields = {
    "host": Field(kind=Kind.TEXT, required=True),
    "port": Field(kind=Kind.INTEGER, default=22),
    "user": Field(kind=Kind.TEXT, default="root"),
    "password": Field(kind=Kind.TEXT),
    "privateKey": Field(kind=Kind.TEXT),
    "privateKeyPassword": Field(kind=Kind.TEXT),
    "agentSocketPath": Field(kind=Kind.TEXT, refused="give privateKey or password."),
    "hostKey": Field(kind=Kind.TEXT),
    "dialErrorLimit": Field(kind=Kind.INTEGER, default=10),
    "perDialTimeout": Field(kind=Kind.INTEGER, default=15),
}
CONNECTION = Field(
    kind=Kind.OBJECT,
    required=True,
    secret=True,
    fields={**_ENDPOINT, "proxy": Field(kind=Kind.OBJECT, fields=_ENDPOINT)},
)

T = TypeVar("T")
Open = Callable[[], Awaitable[asyncssh.SSHClientConnection]]


@dataclass(frozen=True)
class Endpoint:
    """One SSH host and how to log in to it.

    host_key: the only key it may have ("ssh-ed25519 AAAA…"); empty to take any, as the official provider does.
    error_limit: failed dials before giving up; -1 for never.
    dial_timeout: seconds for one dial, authentication included; 0 for no limit.
    """

    host: str
    port: int
    user: str
    password: str | None
    private_key: str | None
    private_key_password: str | None
    host_key: str
    error_limit: int
    dial_timeout: int

    @staticmethod
    def of(settings: Properties) -> Endpoint:
        return Endpoint(
            host=text_of(settings, "host"),
            port=number_of(settings, "port", 22),
            user=text_of(settings, "user", "root"),
            password=text_of(settings, "password") or None,
            private_key=text_of(settings, "privateKey") or None,
            private_key_password=text_of(settings, "privateKeyPassword") or None,
            host_key=text_of(settings, "hostKey"),
            error_limit=number_of(settings, "dialErrorLimit", 10),
            dial_timeout=number_of(settings, "perDialTimeout", 15),
        )

    def options(self) -> asyncssh.SSHClientConnectionOptions:
        """What asyncssh needs; nothing is taken from the operator's own SSH configuration, keys or agent.

        Raises ProviderError for a key that cannot be read.
        """
        nobody: list[asyncssh.SSHKey] = []
        return asyncssh.SSHClientConnectionOptions(
            config=[],
            username=self.user,
            password=self.password,
            client_keys=[self._client_key()] if self.private_key else None,
            agent_path=None,
            known_hosts=([self._pinned_key()], nobody, nobody) if self.host_key else None,
            server_host_key_algs=_algorithms(self._pinned_key()) if self.host_key else (),
            connect_timeout=self.dial_timeout or None,
            keepalive_interval=KEEPALIVE,
            keepalive_count_max=4,
        )

    def _client_key(self) -> asyncssh.SSHKey:
        try:
            return asyncssh.import_private_key(self.private_key or "", self.private_key_password)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise ProviderError(f"connection.privateKey cannot be read: {error}") from error

    def _pinned_key(self) -> asyncssh.SSHKey:
        try:
            return asyncssh.import_public_key(self.host_key)
        except asyncssh.KeyImportError as error:
            raise ProviderError(f"connection.hostKey cannot be read: {error}") from error


def _algorithms(key: asyncssh.SSHKey) -> list[str]:
    """The signature algorithms with which a host can prove that it has the key: an RSA key has several."""
    return [algorithm.decode() for algorithm in key.sig_algorithms]


class Dialer:
    """Opens connections, a few at a time to each host."""

    def __init__(self) -> None:
        self._turns = defaultdict[tuple[str, int], asyncio.Semaphore](lambda: asyncio.Semaphore(DIALS_AT_ONCE))

    @contextlib.asynccontextmanager
    async def connection(self, settings: Properties, log: Log) -> AsyncGenerator[asyncssh.SSHClientConnection]:
        """A connection, through the proxy if the settings name one; closed at the end.

        settings: the plain input `connection`. Raises ProviderError when the host cannot be reached.
        """
        endpoint = Endpoint.of(settings)
        through = map_of(settings, "proxy")
        async with contextlib.AsyncExitStack() as stack:
            tunnel = None
            if through:
                proxy = Endpoint.of(through)
                tunnel = await stack.enter_async_context(await self._dial(proxy, "Dial proxy", log))
            yield await stack.enter_async_context(await self._dial(endpoint, "Dial", log, tunnel))

    async def _dial(
        self, endpoint: Endpoint, what: str, log: Log, tunnel: asyncssh.SSHClientConnection | None = None
    ) -> asyncssh.SSHClientConnection:
        options = endpoint.options()
        delay, failed = FIRST_DELAY, 0
        while True:
            try:
                async with self._turns[endpoint.host, endpoint.port]:
                    return await asyncssh.connect(endpoint.host, endpoint.port, options=options, tunnel=tunnel or ())
            except (OSError, asyncssh.Error) as error:
                failed += 1
                limit = endpoint.error_limit
                if limit >= 0 and failed > limit:
                    raise ProviderError(
                        f"No SSH connection to {endpoint.user}@{endpoint.host}:{endpoint.port} "
                        f"after {failed} failed attempts: {_reason(error)}"
                    ) from error
            await log.status(f"{what} {failed}/{'inf' if limit < 0 else limit} failed: retrying")
            await asyncio.sleep(delay)
            delay = min(delay * GROWTH, LONGEST_DELAY)


def _reason(error: Exception) -> str:
    """An error's text; some have none."""
    return str(error) or type(error).__name__

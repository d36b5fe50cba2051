"""SSH connections as the official provider makes them: retried, and pinned to a host key if one is given.

Its errors are Go's, word for word, and its weak points are kept (pulumi-command 1.2.1, remote/connection.go;
golang.org/x/crypto 0.48, ssh/client.go): an agent that SSH_AUTH_SOCK names has to be there, though a key is given; the
time for one dial ends with the TCP connection, so that a host which accepts and says nothing is waited for without an
end, whatever the program's `custom_timeouts` say.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import asyncssh

from rehearsal.plugins.engine_log import Log
from rehearsal.plugins.properties import Properties, map_of, number_of, text_of
from rehearsal.plugins.provider_model import ProviderError
from rehearsal.plugins.schema import Field, Fields, Kind

# pulumi, sdk/go/common/util/retry/until.go: the first delay, its growth, and the longest one; seconds.
FIRST_DELAY, GROWTH, LONGEST_DELAY = 0.1, 1.5, 5.0
# A stock sshd drops connections at random while more than 10 are not yet authenticated (MaxStartups).
DIALS_AT_ONCE = 6
# Go, net/tcpsock.go: TCP alone notices a host that has gone away; seconds, seconds, and probes.
KEEPALIVE = {socket.TCP_KEEPIDLE: 15, socket.TCP_KEEPINTVL: 15, socket.TCP_KEEPCNT: 9}

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
    dial_timeout: seconds for one TCP connection; 0 for no limit.
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
            server_host_key_algs=[self._pinned_key().get_algorithm()] if self.host_key else (),
            login_timeout=0,
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
        await _reach_agent()
        delay, failed = FIRST_DELAY, 0
        while True:
            try:
                async with self._turns[endpoint.host, endpoint.port]:
                    if tunnel:
                        return await asyncssh.connect(endpoint.host, endpoint.port, options=options, tunnel=tunnel)
                    sock = await _tcp(endpoint)
                    return await asyncssh.connect(endpoint.host, endpoint.port, options=options, sock=sock)
            except (OSError, asyncssh.Error) as error:
                limit = endpoint.error_limit
                if 0 <= limit <= failed:
                    raise ProviderError(f"after {failed} failed attempts: {_reason(error, endpoint)}") from error
                failed += 1
            await log.status(f"{what} {failed}/{'inf' if limit < 0 else limit} failed: retrying")
            await asyncio.sleep(delay)
            delay = min(delay * GROWTH, LONGEST_DELAY)


async def _reach_agent() -> None:
    """Raises ProviderError if SSH_AUTH_SOCK leads to no agent; the agent itself is asked for nothing."""
    path = os.environ.get("SSH_AUTH_SOCK")
    if not path:
        return
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError as error:
        raise ProviderError(f"dial unix {path}: connect: {_system_error(error)}") from error
    writer.close()


async def _tcp(endpoint: Endpoint) -> socket.socket:
    """A TCP connection. Raises OSError with Go's text if there is none in time."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise OSError(f"dial tcp: lookup {endpoint.host}: no such host") from error
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE.items():
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    try:
        await asyncio.wait_for(loop.sock_connect(sock, address), endpoint.dial_timeout or None)
    except BaseException as error:
        sock.close()
        if not isinstance(error, OSError):
            raise
        what = f"connect: {_system_error(error)}" if error.errno else "i/o timeout"
        raise OSError(f"dial tcp {endpoint.host}:{endpoint.port}: {what}") from error
    return sock


def _reason(error: Exception, endpoint: Endpoint) -> str:
    """Why a dial failed, in Go's words."""
    if isinstance(error, asyncssh.PermissionDenied):
        methods = [
            "none",
            *(["publickey"] if endpoint.private_key else []),
            *(["password"] if endpoint.password else []),
        ]
        why = f"ssh: unable to authenticate, attempted methods [{' '.join(methods)}], no supported methods remain"
    elif isinstance(error, asyncssh.HostKeyNotVerifiable):
        why = "ssh: host key mismatch"
    elif isinstance(error, asyncssh.ConnectionLost):
        why = "EOF"
    elif isinstance(error, OSError):
        if not error.errno:
            return str(error)
        why = _system_error(error)
    else:
        why = str(error) or type(error).__name__
    return f"ssh: handshake failed: {why}"


def _system_error(error: OSError) -> str:
    return os.strerror(error.errno or 0).lower()

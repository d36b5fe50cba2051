"""An SSH host on loopback that really runs commands, through /bin/sh in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from signal import Signals

import asyncssh
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from rehearsal.plugins.properties import Value

# MaxStartups of a stock sshd: beyond this many unauthenticated connections it drops some; this host drops all.
MAX_STARTUPS = 10


def new_key() -> asyncssh.SSHKey:
    return _imported(ed25519.Ed25519PrivateKey.generate())


def _imported(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> asyncssh.SSHKey:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return asyncssh.import_private_key(encoded)


class SshHost:
    """accept_env: the names of variables that it takes, as AcceptEnv does; a stock sshd takes LANG and LC_*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.accept_env: set[str] = set()
        self.key = new_key()
        self.other_key = _imported(ec.generate_private_key(ec.SECP256R1()))
        self.client_key = new_key()
        # Exported once: each export of the same key differs by a random number.
        self.private_key = self.client_key.export_private_key().decode()
        self.port = 0
        self.open: set[object] = set()
        self.unauthenticated: set[object] = set()
        self.dropped = 0
        self.commands: list[str] = []
        self.forwarded: list[tuple[str, int]] = []
        self._running: set[asyncio.subprocess.Process] = set()

    async def start(self) -> None:
        self._server = await asyncssh.create_server(
            lambda: _Guard(self),
            "127.0.0.1",
            self.port,
            server_host_keys=[self.other_key, self.key],
            authorized_client_keys=asyncssh.import_authorized_keys(self.client_key.export_public_key().decode()),
            process_factory=self._run,
            sftp_factory=self._files,
            encoding=None,
        )
        self.port = self._server.get_port()

    async def stop(self) -> None:
        """Ends the commands that still run, too, which a test that fails may leave."""
        self._server.close()
        for child in self._running:
            _signal(child, Signals.SIGKILL)
        await asyncio.gather(*(child.wait() for child in self._running))
        await self._server.wait_closed()

    def connection(self, **more: Value) -> dict[str, Value]:
        """The input `connection`, the host key pinned."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "root",
            "privateKey": self.private_key,
            "hostKey": self.key.export_public_key().decode(),
            "dialErrorLimit": 0,
            **more,
        }

    def _files(self, channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(self.folder).encode())

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.commands.append(process.command or "")
        given = {name: value for name, value in process.env.items() if name in self.accept_env}
        child = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            process.command or "",
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **given},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._running.add(child)
        process.signal_received = lambda signal: _signal(child, Signals[f"SIG{signal}"])
        feeding = asyncio.create_task(_feed(process, child))
        assert child.stdout
        assert child.stderr
        await asyncio.gather(_pump(child.stdout, process.stdout), _pump(child.stderr, process.stderr))
        status = await child.wait()
        self._running.discard(child)
        feeding.cancel()
        with contextlib.suppress(OSError):
            process.exit(status) if status >= 0 else process.exit_with_signal(Signals(-status).name[3:])


class _Guard(asyncssh.SSHServer):
    def __init__(self, host: SshHost) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host.open.add(self)
        self._host.unauthenticated.add(self)
        if len(self._host.unauthenticated) > MAX_STARTUPS:
            self._host.dropped += 1
            conn.abort()

    def auth_completed(self) -> None:
        self._host.unauthenticated.discard(self)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        self._host.forwarded.append((dest_host, dest_port))
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.open.discard(self)
        self._host.unauthenticated.discard(self)


async def _feed(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    assert child.stdin
    while chunk := await process.stdin.read(65536):
        child.stdin.write(chunk)
    child.stdin.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncssh.SSHWriter[bytes]) -> None:
    while chunk := await reader.read(65536):
        with contextlib.suppress(OSError):
            writer.write(chunk)


def _signal(child: asyncio.subprocess.Process, number: Signals) -> None:
    """To a command and all that it has started; nothing happens if they are gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)

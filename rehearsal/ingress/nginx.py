"""nginx: its configuration, written, checked and put in place as a whole or not at all."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import jinja2

from rehearsal.ingress.parameters import Parameters
from rehearsal.ingress.routes import Server

_RELOAD_SECONDS = 60.0
"""How long a reload may take, as F5's chart has it."""
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=False,  # noqa: S701 - no HTML
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_LOG = logging.getLogger(__name__)


class NginxError(Exception):
    """nginx refuses a configuration, or does not take it; the text holds what nginx said."""


@dataclass(frozen=True)
class Configuration:
    """Everything that nginx is told."""

    shared: Parameters
    servers: Sequence[Server]
    certificates: Mapping[str, str]
    """Name of each Secret to its certificate and key (PEM)."""
    default_certificate: str | None
    """Secret of connections for a host that no Ingress has; None where their handshake is refused."""
    ipv6: bool


class Nginx:
    """One nginx, whose files lie in a folder of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._version = 0
        self._applied: Configuration | None = None
        self._child: asyncio.subprocess.Process | None = None

    async def apply(self, wanted: Configuration) -> None:
        """Serve by a configuration, unless it is served already. Raises NginxError, and then the last one stays."""
        if wanted == self._applied:
            return
        self._version += 1
        fresh = self._write(wanted)
        try:
            await self._check(fresh)
            current = self._folder / "nginx.conf"
            link = self._folder / "nginx.conf.new"
            link.unlink(missing_ok=True)
            link.symlink_to(fresh / "nginx.conf")
            last = current.resolve() if current.is_symlink() else None
            link.rename(current)
            try:
                await self._load()
            except NginxError:
                if last:
                    link.symlink_to(last)
                    link.rename(current)
                raise
        except NginxError:
            shutil.rmtree(fresh)
            raise
        self._applied = wanted
        for old in self._folder.glob("configuration-*"):
            if old != fresh:
                shutil.rmtree(old)

    async def wait(self) -> int:
        """Wait until nginx has ended; gives its exit status. An nginx that never began is waited for as well."""
        while self._child is None:
            await asyncio.sleep(0.1)
        return await self._child.wait()

    async def stop(self) -> None:
        """End nginx once it has answered what is under way."""
        if self._child and self._child.returncode is None:
            self._child.send_signal(signal.SIGQUIT)
            await self._child.wait()

    async def status(self, path: str) -> str:
        """What nginx says of itself at a path: /version or /stub_status. Raises aiohttp.ClientError."""
        connector = aiohttp.UnixConnector(str(self._folder / "status.sock"))
        async with aiohttp.ClientSession(connector=connector) as session, session.get(f"http://status{path}") as answer:
            return await answer.text()

    def _write(self, wanted: Configuration) -> Path:
        fresh = self._folder / f"configuration-{self._version}"
        shutil.rmtree(fresh, ignore_errors=True)
        secrets = fresh / "secrets"
        secrets.mkdir(parents=True)
        for name, pem in wanted.certificates.items():
            file = secrets / name.replace("/", "-")
            file.touch(mode=0o600)
            file.write_text(pem)
        upstreams = {
            location.upstream.name: location.upstream for server in wanted.servers for location in server.locations
        }
        text = _TEMPLATES.get_template("nginx.conf.j2").render(
            vars(wanted)
            | {
                "folder": self._folder,
                "secrets": secrets,
                "version": self._version,
                "upstreams": [upstreams[name] for name in sorted(upstreams)],
            }
        )
        (fresh / "nginx.conf").write_text(text)
        return fresh

    def _command(self, file: Path) -> list[str]:
        # Errors from before the configuration is read would go to a file of root's.
        return [self._program, "-p", str(self._folder), "-e", "stderr", "-c", str(file)]

    async def _check(self, fresh: Path) -> None:
        child = await asyncio.create_subprocess_exec(
            *self._command(fresh / "nginx.conf"),
            "-t",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await child.communicate()
        if child.returncode:
            raise NginxError(said.decode(errors="replace").strip())

    async def _load(self) -> None:
        if self._child is None:
            self._child = await asyncio.create_subprocess_exec(*self._command(self._folder / "nginx.conf"))
        else:
            self._child.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + _RELOAD_SECONDS
        while time.monotonic() < deadline:
            if self._child.returncode is not None:
                raise NginxError(f"nginx ended with status {self._child.returncode}")
            try:
                if await self.status("/version") == str(self._version):
                    _LOG.info("nginx serves by configuration %d", self._version)
                    return
            except (aiohttp.ClientError, OSError) as error:
                _LOG.debug("nginx: %s", error)
            await asyncio.sleep(0.05)
        raise NginxError(f"nginx did not take the configuration within {_RELOAD_SECONDS:.0f} s; its log says why")

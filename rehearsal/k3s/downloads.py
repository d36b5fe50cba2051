"""Serves files of a folder, with their fingerprints at hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from rehearsal.session import Block, Service, Session

PORT = 8081


@dataclass(frozen=True)
class Download:
    """A file that is served."""

    url: str
    sha256: str


class Downloads:
    """A web server for the files of a rehearsal's folder `downloads`."""

    def __init__(self, session: Session) -> None:
        self.folder = session.home / "downloads"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._host = session.address(Block.SERVICES, Service.CHARTS)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = web.Application()
        application.router.add_static("/", self.folder)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, PORT).start()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def file(self, name: str) -> Download:
        """Where a file of the folder is to be had."""
        return Download(f"http://{self._host}:{PORT}/{name}", _sha256(self.folder / name))


def _sha256(file: Path) -> str:
    """The sum of a file, kept beside it: a hundred megabytes need not be read for every command."""
    kept = file.with_name(f".{file.name}.sha256")
    if not kept.exists() or kept.stat().st_mtime_ns < file.stat().st_mtime_ns:
        with file.open("rb") as data:
            kept.write_text(hashlib.file_digest(data, "sha256").hexdigest())
    return kept.read_text()

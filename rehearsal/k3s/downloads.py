"""Serves files of a folder, with their fingerprints at hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from aiohttp import web

from rehearsal.run import Block, Run, Service

PORT = 8081


@dataclass(frozen=True)
class Download:
    """A file that is served."""

    url: str
    sha256: str


class Downloads:
    """A web server for the files of a rehearsal's folder `downloads`."""

    def __init__(self, run: Run) -> None:
        self.folder = run.home / "downloads"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._host = run.address(Block.SERVICES, Service.CHARTS)
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
        with (self.folder / name).open("rb") as data:
            return Download(f"http://{self._host}:{PORT}/{name}", hashlib.file_digest(data, "sha256").hexdigest())

"""Packs the stand-in charts and serves them as a Helm repository."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from rehearsal.session import Block, Service, Session

STAND_INS = Path(__file__).parent / "stand_ins"
PORT = 8080


class ChartRegistry:
    """Serves index.yaml and the packed charts at a rehearsal's own address.

    own: archives of publishers' own charts, by name, in place of their stand-ins.
    """

    def __init__(self, session: Session, own: Mapping[str, bytes] | None = None) -> None:
        self._own = own or {}
        self._host = session.address(Block.SERVICES, Service.CHARTS)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{PORT}"

    async def start(self) -> None:
        files = repository(self.url, self._own)
        application = web.Application()

        async def send(request: web.Request) -> web.Response:
            name = request.match_info["name"]
            if name not in files:
                raise web.HTTPNotFound(text=f"This repository has no {name}; its index.yaml lists what it has.\n")
            return web.Response(body=files[name], content_type="application/octet-stream")

        application.router.add_get("/{name}", send)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, PORT).start()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()


def repository(url: str, own: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Every file of the repository by name: the packed charts and index.yaml."""
    files: dict[str, bytes] = {}
    entries: dict[str, list[Any]] = {}
    for folder in sorted(STAND_INS.iterdir()):
        chart = yaml.safe_load((folder / "Chart.yaml").read_text())
        archive = f"{chart['name']}-{chart['version']}.tgz"
        files[archive] = own.get(chart["name"]) or pack(folder, chart["name"])
        digest = hashlib.sha256(files[archive]).hexdigest()
        entries[chart["name"]] = [{**chart, "urls": [f"{url}/{archive}"], "digest": digest}]
    files["index.yaml"] = yaml.safe_dump({"apiVersion": "v1", "entries": entries}).encode()
    return files


def pack(folder: Path, name: str) -> bytes:
    """A chart's archive; the same files always give the same bytes."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                entry = tarfile.TarInfo(f"{name}/{file.relative_to(folder)}")
                content = file.read_bytes()
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()

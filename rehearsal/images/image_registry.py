"""Registry of a rehearsal's images, from which its nodes pull before they ask a publisher's.

Serves what `provided_images` wrote last; nothing can be pushed.
Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import asyncio
import hashlib

from aiohttp import web

from rehearsal.images.pod_image import MANIFEST, MANIFEST_TYPE
from rehearsal.images.provided_images import ProvidedImage, read_provided
from rehearsal.session import Block, Service, Session

PORT = 5000
_DEFAULT_PUBLISHER = "docker.io"
_SHA256 = "sha256:"


class ImageRegistry:
    """Serves manifests and layers at a rehearsal's own address."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._host = session.address(Block.SERVICES, Service.IMAGES)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = web.Application()
        application.add_routes(
            [
                web.get("/v2/", self._version),
                web.get("/v2/{name:.+}/manifests/{reference}", self._manifest),
                web.get("/v2/{name:.+}/blobs/{digest}", self._blob),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, PORT).start()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({})

    async def _manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        # By which a mirror learns whose image is asked for.
        publisher = request.query.get("ns", _DEFAULT_PUBLISHER)
        for image in await self._images():
            content = await asyncio.to_thread((image.path / MANIFEST).read_bytes)
            digest = f"{_SHA256}{hashlib.sha256(content).hexdigest()}"
            if f"{publisher}/{name}:{reference}" == image.reference or (
                image.reference.startswith(f"{publisher}/{name}:") and reference == digest
            ):
                headers = {"Docker-Content-Digest": digest}
                return web.Response(body=content, content_type=MANIFEST_TYPE, headers=headers)
        return _unknown("MANIFEST_UNKNOWN", f"{publisher}/{name}:{reference}")

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        for image in await self._images():
            file = image.path / digest.removeprefix(_SHA256)
            # Only a file of that very folder: a digest is text of the caller's.
            if file.parent == image.path and file.name != MANIFEST and file.is_file():
                return web.FileResponse(file, headers={"Docker-Content-Digest": digest})
        return _unknown("BLOB_UNKNOWN", digest)

    async def _images(self) -> list[ProvidedImage]:
        provided = await asyncio.to_thread(read_provided, self._session)
        return [image for image in provided if image.folder]


def _unknown(code: str, what: str) -> web.Response:
    message = f"this registry has no {what}: its publisher is asked next"
    return web.json_response({"errors": [{"code": code, "message": message}]}, status=404)

"""Marketplace v2: which image a label means in a zone."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from rehearsal.scaleway.api_errors import not_found
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.instance_volumes import LOCAL
from rehearsal.scaleway.offers import GB, SERVER_TYPES
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, fixed_id

_IMAGES = "/marketplace/v2/local-images"
KINDS = ("instance_local", "instance_sbs")
ZONES = ("fr-par-1", "fr-par-2", "fr-par-3", "nl-ams-1", "nl-ams-2", "nl-ams-3", "pl-waw-1", "pl-waw-2", "pl-waw-3")

IMAGE_SIZE = 10 * GB
SCALEWAY = fixed_id("organization", "scaleway")
"""Owner of the images."""


class Marketplace:
    """Images of Instances, by label, zone and kind of volume."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_IMAGES, self._list), web.get(_IMAGES + "/{id}", self._get)]

    def image(self, identity: str) -> Record | None:
        """The image of that id, if there is one."""
        return next((image for image in self._images() if image["id"] == identity), None)

    def view(self, image: Record, volume_type: str, zone: str) -> Record:
        """The image of a server, as the server shows it."""
        name = self._context.catalogue.images[image["label"]]
        released = "2026-05-12T15:00:00.000000+00:00"
        snapshot = fixed_id("snapshot", image["id"])
        block = {"volume_type": "sbs_snapshot", "id": snapshot, "size": 0, "name": ""}
        local = {"volume_type": LOCAL, "id": snapshot, "size": IMAGE_SIZE, "name": name}
        return {
            "id": image["id"],
            "name": name,
            "organization": SCALEWAY,
            "project": SCALEWAY,
            "root_volume": local if volume_type == LOCAL else block,
            "extra_volumes": {},
            "public": True,
            "arch": image["arch"],
            "creation_date": released,
            "modification_date": released,
            "default_bootscript": None,
            "from_server": "",
            "state": "available",
            "tags": [],
            "zone": zone,
        }

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        if query.get("image_label", "") and query["image_label"] not in self._context.catalogue.images:
            # The provider's own words for a missing image do not say which ones there are.
            offered = ", ".join(self._context.catalogue.images)
            raise not_found("image", f"{query['image_label']} (the stand-in has {offered})")
        images = [
            image
            for image in self._images()
            if all(
                query.get(name, "") in ("", image[key])
                for name, key in (("image_label", "label"), ("zone", "zone"), ("type", "type"))
            )
        ]
        return listing(request, "local_images", images)

    async def _get(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        image = self.image(identity)
        if image is None:
            raise not_found("local_image", identity)
        return web.json_response(image)

    def _images(self) -> Iterator[Record]:
        for label in self._context.catalogue.images:
            for zone in ZONES:
                for kind in KINDS:
                    yield {
                        "id": fixed_id("image", label, zone, kind),
                        "arch": "x86_64",
                        "zone": zone,
                        "compatible_commercial_types": list(SERVER_TYPES),
                        "label": label,
                        "type": kind,
                    }

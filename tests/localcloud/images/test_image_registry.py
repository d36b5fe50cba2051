"""Registry from which nodes pull, as containerd asks it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from rehearsal.images.image_registry import PORT, ImageRegistry
from rehearsal.images.pod_image import MANIFEST, MANIFEST_TYPE, PodImage, write
from rehearsal.images.provided_images import BUILT, PULLED, ProvidedImage, write_provided
from rehearsal.session import Block, Service, Session

REFERENCE = "registry.example/games/hunt:1"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Folder of an image with one program."""
    program, folder = tmp_path / "program", tmp_path / "image"
    program.write_text("#!/bin/sh\n")
    folder.mkdir()
    write(PodImage("one", {"bin/program": program}, ["/bin/program"], user="65532"), folder)
    return folder


@pytest.fixture
async def registry(tmp_path: Path, image: Path) -> AsyncGenerator[str]:
    session = Session(name="mine", home=tmp_path, slot=249)
    write_provided(
        session,
        [
            ProvidedImage(REFERENCE, BUILT, "the tests", str(image)),
            ProvidedImage("registry.example/games/elsewhere:1", PULLED, "registry.example"),
        ],
    )
    server = ImageRegistry(session)
    await server.start()
    yield f"http://{session.address(Block.SERVICES, Service.IMAGES)}:{PORT}/v2"
    await server.stop()


async def asked(url: str) -> tuple[int, bytes]:
    async with ClientSession() as client, client.get(url) as answer:
        return answer.status, await answer.read()


def test_an_image_is_the_same_whenever_it_is_made_of_the_same(tmp_path: Path, image: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    (tmp_path / "program").touch()
    write(PodImage("one", {"bin/program": tmp_path / "program"}, ["/bin/program"], user="65532"), again)
    assert {file.name: file.read_bytes() for file in again.iterdir()} == {
        file.name: file.read_bytes() for file in image.iterdir()
    }


async def test_an_image_is_pulled_by_its_tag_with_all_that_its_manifest_names(registry: str) -> None:
    status, content = await asked(f"{registry}/games/hunt/manifests/1?ns=registry.example")
    assert status == 200
    manifest = json.loads(content)
    assert manifest["mediaType"] == MANIFEST_TYPE
    for part in (manifest["config"], *manifest["layers"]):
        status, blob = await asked(f"{registry}/games/hunt/blobs/{part['digest']}")
        assert (status, len(blob)) == (200, part["size"])
        assert part["digest"] == f"sha256:{hashlib.sha256(blob).hexdigest()}"


async def test_an_image_is_found_by_the_digest_that_its_tag_led_to(registry: str, image: Path) -> None:
    digest = hashlib.sha256((image / MANIFEST).read_bytes()).hexdigest()
    status, content = await asked(f"{registry}/games/hunt/manifests/sha256:{digest}?ns=registry.example")
    assert (status, content) == (200, (image / MANIFEST).read_bytes())


@pytest.mark.parametrize(
    "path",
    [
        "games/hunt/manifests/2?ns=registry.example",
        # The same name at another publisher's.
        "games/hunt/manifests/1?ns=elsewhere.example",
        "games/hunt/manifests/1",
        # Only the publisher has this one.
        "games/elsewhere/manifests/1?ns=registry.example",
        f"games/hunt/blobs/sha256:{'0' * 64}",
        f"games/hunt/blobs/{MANIFEST}",
        "games/hunt/blobs/sha256:..%2Fprogram",
    ],
)
async def test_for_anything_else_a_node_is_sent_on_to_the_publisher(registry: str, path: str) -> None:
    status, content = await asked(f"{registry}/{path}")
    assert status == 404
    assert "errors" in json.loads(content)

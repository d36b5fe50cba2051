"""Docker image of a node: the Instances' base image with Debian's container runtime and packet filters."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from rehearsal.instances import base_image, machine_locks
from rehearsal.instances.base_image import Mirrors
from rehearsal.instances.machine_locks import Progress
from rehearsal.instances.script import run_script

FILES = Path(__file__).parent / "files"
_DOCKERFILE = FILES / "Dockerfile"
_TELL_EVERY = 5.0
"""Seconds between two lines for the operator."""


def image_name(mirrors: Mirrors) -> str:
    """Name and tag of the image; the tag changes with its base and with the recipe."""
    digest = hashlib.sha256(base_image.image_name(mirrors).encode() + _DOCKERFILE.read_bytes())
    return f"shambhala-node:debian13-{digest.hexdigest()[:12]}"


async def provide(mirrors: Mirrors, progress: Progress) -> str:
    """Name of the image, which is built unless this machine has it. Raises InstanceError."""
    image, base = image_name(mirrors), base_image.image_name(mirrors)
    await base_image.provide(base, mirrors, progress)
    async with machine_locks.locked("node image", progress):
        if not await base_image.is_there(image):
            began = time.monotonic()
            told = began

            def tell(_line: str) -> None:
                nonlocal told
                if time.monotonic() - told >= _TELL_EVERY:
                    told = time.monotonic()
                    progress(f"Node image: installing packages ({told - began:.0f} s, usually about 20)")

            await run_script(
                ["docker", "build", "--tag", image, "--build-arg", f"BASE={base}", "--file", _DOCKERFILE, FILES],
                machine_locks.SHARED / "node-image.log",
                f"The node's image could not be built: see that {mirrors.main} answers",
                tell,
            )
    return image

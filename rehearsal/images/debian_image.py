"""Container images of Debian's packages, on one layer that all of them share."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.images.pod_image import state_of, write_layer, write_layers
from rehearsal.instances import machine_locks
from rehearsal.instances.base_image import TELL_EVERY, Mirrors, is_there
from rehearsal.instances.docker import docker
from rehearsal.instances.machine_locks import Progress
from rehearsal.instances.script import run_script
from rehearsal.toolchain import cache

FILES = Path(__file__).parent / "files"
_BASE_RECIPE, _DOCKERFILE = FILES / "debian-base.sh", FILES / "Dockerfile"


@dataclass(frozen=True)
class DebianImage:
    """Image for pods of Debian 13's packages."""

    name: str
    packages: Sequence[str]
    then: str = "true"
    """Shell command that follows the packages' installation."""
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Path in the image (without a leading slash) to the file of this machine that goes there, above the packages."""
    entrypoint: Sequence[str] = ()
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


async def provide(image: DebianImage, mirrors: Mirrors, progress: Progress) -> Path:
    """Folder of the image, built by Docker unless the cache has it. Raises InstanceError or ToolchainError."""
    base, digest = _base_name(mirrors), hashlib.sha256(f"{image} {mirrors} {state_of(image.files)}".encode())
    digest.update(_BASE_RECIPE.read_bytes() + _DOCKERFILE.read_bytes())
    name = f"image-{image.name}-{digest.hexdigest()[:12]}"
    if not cache.entry(name).exists():
        # Docker's own cache has the layers that an interrupted build had finished.
        async with machine_locks.locked("images of pods", progress):
            await _provide_base(base, mirrors, progress)
            built = f"shambhala-pods:{image.name}-{digest.hexdigest()[:12]}"
            await run_script(
                [
                    *("docker", "build", "--tag", built, "--build-arg", f"BASE={base}"),
                    *("--build-arg", f"PACKAGES={' '.join(image.packages)}", "--build-arg", f"THEN={image.then}"),
                    *("--file", _DOCKERFILE, FILES),
                ],
                machine_locks.SHARED / f"image-{image.name}.log",
                f"The image {image.name} could not be built: see that {mirrors.main} answers",
                _teller(f"Image {image.name}: installing Debian's packages", 30, progress),
            )
            archive = cache.home() / f".{name}.tar"
            try:
                await docker("image", "save", "--output", str(archive), built)
                await asyncio.to_thread(cache.fill, name, lambda folder: _unpack(archive, image, folder), progress)
            finally:
                archive.unlink(missing_ok=True)
            # The layers are in the cache; the base stays for the next one.
            await docker("image", "rm", built)
    return cache.entry(name)


def _base_name(mirrors: Mirrors) -> str:
    digest = hashlib.sha256(repr(mirrors).encode() + _BASE_RECIPE.read_bytes())
    return f"shambhala-pods:base-{digest.hexdigest()[:12]}"


async def _provide_base(base: str, mirrors: Mirrors, progress: Progress) -> None:
    if await is_there(base):
        return
    folder = cache.home().parent / "base-of-pods"
    await run_script(
        ["unshare", "--mount", _BASE_RECIPE, base, folder, mirrors.main, mirrors.security],
        folder.with_suffix(".log"),
        f"Debian's base of images could not be built: see that {mirrors.main} answers and {folder.parent} has room",
        _teller("Images of pods: downloading and installing Debian's base", 40, progress),
    )


def _teller(what: str, usually: int, progress: Progress) -> Progress:
    """Progress for the operator from each line of a script's."""
    began = told = time.monotonic()

    def tell(_line: str) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            progress(f"{what} ({told - began:.0f} s, usually about {usually})")

    return tell


def _unpack(archive: Path, image: DebianImage, folder: Path) -> None:
    """Take the layers out of what `docker image save` wrote, in either of its formats."""
    with tarfile.open(archive) as tar:
        told = tar.extractfile("manifest.json")
        assert told  # noqa: S101 (in both formats)
        layers = json.load(told)[0]["Layers"]
        # Older Dockers let a link stand for a layer that is there twice.
        tar.extractall(folder / "saved", filter="data")
    archives = [(folder / "saved" / layer).resolve() for layer in layers]
    if image.files:
        archives.append(write_layer(image.files, folder / "files.tar"))
    config = {
        "Entrypoint": list(image.entrypoint),
        "User": image.user,
        "Env": [f"{name}={value}" for name, value in image.environment.items()],
    }
    write_layers(folder, config, archives)
    shutil.rmtree(folder / "saved")

"""Container images of one layer, made without Docker, as files that a registry serves."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.toolchain import cache
from rehearsal.toolchain.tools import Progress

MANIFEST = "manifest.json"
"""File name of an image's manifest; beside it lie the configuration and the layers, by their SHA-256."""
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
# Uncompressed: the registry is on the same machine.
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
_EPOCH = "1970-01-01T00:00:00Z"
"""When every image was made: what went in alone tells one from another."""


@dataclass(frozen=True)
class PodImage:
    """Image for pods: files of this machine, and how a container of them starts."""

    name: str
    """For people who look into the cache."""
    files: Mapping[str, Path]
    """Path in the image (without a leading slash) to the file or folder that goes there."""
    entrypoint: Sequence[str] = ()
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def config(self) -> Mapping[str, Any]:
        """What a container of the image is started with, in the words of the OCI's image specification."""
        return {
            "Entrypoint": list(self.entrypoint),
            "User": self.user,
            "Env": [f"{name}={value}" for name, value in self.environment.items()],
        }


def provide(image: PodImage, progress: Progress) -> Path:
    """Folder of the image, made unless the cache has it.

    The files are told apart by name, size and time of change, as `make` does. Raises ToolchainError.
    """
    digest = hashlib.sha256(f"{json.dumps(image.config)}\n{state_of(image.files)}".encode())
    name = f"image-{image.name}-{digest.hexdigest()[:12]}"
    return cache.fill(name, lambda folder: write(image, folder), progress)


def state_of(files: Mapping[str, Path]) -> str:
    """Text that changes with the files: their places, names, sizes and times of change."""
    lines = [
        f"{inside} {file} {file.stat().st_size} {file.stat().st_mtime_ns}\n"
        for inside, outside in sorted(files.items())
        for file in (outside, *sorted(outside.rglob("*")))
    ]
    return "".join(lines)


def write(image: PodImage, folder: Path) -> None:
    """Write an image into an empty folder."""
    write_layers(folder, image.config, [write_layer(image.files, folder / "layer.tar")])


def write_layer(files: Mapping[str, Path], target: Path) -> Path:
    """Write the archive of a layer that holds files of this machine, by their paths in the image."""
    with tarfile.open(target, "w") as tar:
        for inside, outside in sorted(files.items()):
            tar.add(outside.resolve(), inside, filter=_plain)
    return target


def write_layers(folder: Path, config: Mapping[str, Any], layers: Sequence[Path]) -> None:
    """Make the folder of an image from the archives of its layers, the lowest first, which are moved there.

    A layer that a neighbour has already is the neighbour's file.
    """
    digests = [_digest_of(layer) for layer in layers]
    described = [
        {"mediaType": _LAYER_TYPE, "digest": f"sha256:{digest}", "size": layer.stat().st_size}
        for digest, layer in zip(digests, layers, strict=True)
    ]
    for digest, layer in zip(digests, layers, strict=True):
        shared = next((each / digest for each in cache.home().glob("image-*") if (each / digest).exists()), None)
        if shared:
            layer.unlink()
            (folder / digest).hardlink_to(shared)
        else:
            shutil.move(layer, folder / digest)
    content = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": _EPOCH,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
            "history": [{"created": _EPOCH, "created_by": "rehearsal"} for _ in digests],
        }
    ).encode()
    name = hashlib.sha256(content).hexdigest()
    (folder / name).write_bytes(content)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": _CONFIG_TYPE, "digest": f"sha256:{name}", "size": len(content)},
        "layers": described,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's file of no time: two images of the same content are the same."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry

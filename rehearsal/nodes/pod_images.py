"""Container images of one layer, made without Docker and without a registry, in the format of `docker save`."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.toolchain import cache
from rehearsal.toolchain.tools import Progress

_EPOCH = "1970-01-01T00:00:00Z"
"""When every image was made: what went in alone tells one from another."""
_LAYER = "layer.tar"


@dataclass(frozen=True)
class PodImage:
    """Image for pods: files of this machine, and how a container of them starts."""

    reference: str
    """Name and tag by which pods ask for the image."""
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


def archive(image: PodImage, progress: Progress) -> Path:
    """File with the image, made unless the cache has it.

    The files are told apart by name, size and time of change, as `make` does. Raises ToolchainError.
    """
    digest = hashlib.sha256(json.dumps([image.reference, image.config]).encode())
    for inside, outside in sorted(image.files.items()):
        for file in (outside, *sorted(outside.rglob("*"))):
            stat = file.stat()
            digest.update(f"{inside} {file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    name = image.reference.rpartition("/")[2].replace(":", "-")
    entry = cache.fill(
        f"image-{name}-{digest.hexdigest()[:12]}", lambda folder: write(image, folder / "image.tar"), progress
    )
    return entry / "image.tar"


def write(image: PodImage, target: Path) -> None:
    """Write an image to a file."""
    layer = target.with_name(_LAYER)
    with tarfile.open(layer, "w") as tar:
        for inside, outside in sorted(image.files.items()):
            tar.add(outside.resolve(), inside, filter=_plain)
    with layer.open("rb") as file:
        layer_digest = hashlib.file_digest(file, "sha256").hexdigest()
    description = {
        "architecture": "amd64",
        "os": "linux",
        "created": _EPOCH,
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created": _EPOCH, "created_by": "rehearsal"}],
    }
    content = json.dumps(description).encode()
    config_name = f"{hashlib.sha256(content).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.reference], "Layers": [_LAYER]}]
    with tarfile.open(target, "w") as tar:
        for name, body in ((config_name, content), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
        tar.add(layer, _LAYER, filter=_plain)
    layer.unlink()


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's file of no time: two images of the same content are the same."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry

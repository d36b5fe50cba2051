"""Debian 13 image of Instances, built once per host and recipe.

The image holds what a cloud image of Debian holds: systemd, sshd without host keys, cloud-init, python3, sudo, curl.
Recipe: image/build.sh; configuration: image/files.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from rehearsal.instances import machine_locks
from rehearsal.instances.docker import lines
from rehearsal.instances.machine_locks import Progress
from rehearsal.instances.script import run_script

RECIPE = Path(__file__).parent / "image"
STEPS = (
    (re.compile(r"I: (Retrieving|Validating|Resolving|Checking) "), "downloading Debian's base"),
    (re.compile(r"I: (Extracting|Unpacking|Configuring|Installing core) "), "installing Debian's base"),
    (re.compile(r"(Get|Hit):\d+ "), "downloading the other packages"),
    (re.compile(r"(Preparing to unpack|Setting up) "), "installing the other packages"),
    (re.compile(r"I: Importing "), "handing it to Docker"),
)


TELL_EVERY = 5.0
"""Seconds between two lines for the operator while one step goes on."""


@dataclass(frozen=True)
class Mirrors:
    """Debian mirrors for building the image and for apt inside it."""

    main: str = "http://deb.debian.org/debian"
    security: str = "http://deb.debian.org/debian-security"


def image_name(mirrors: Mirrors) -> str:
    """Name and tag of the image; the tag changes with whatever goes into it."""
    digest = hashlib.sha256(repr(mirrors).encode())
    for file in sorted(path for path in RECIPE.rglob("*") if path.is_file() and path.name != "install-docker.sh"):
        digest.update(f"{file.relative_to(RECIPE)} {file.stat().st_mode:o} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return f"shambhala-instance:debian13-{digest.hexdigest()[:12]}"


def _build_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "shambhala" / "instance-image"


class _Teller:
    """Progress lines for the operator out of what the recipe prints."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._started = time.monotonic()
        self._told = 0.0
        self._step = "beginning"
        self._packages = 0
        self._done = 0

    def __call__(self, line: str) -> None:
        step = next((name for pattern, name in STEPS if pattern.match(line)), self._step)
        if total := re.search(r"(\d+) newly installed", line):
            self._packages = int(total[1])
        self._done += line.startswith("Setting up ")
        now = time.monotonic()
        if step != self._step or now - self._told >= TELL_EVERY:
            self._step, self._told = step, now
            far = f", {self._done} of {self._packages}" if 0 < self._done < self._packages else ""
            self._progress(f"Debian 13 image: {step}{far} ({now - self._started:.0f} s, usually about 60)")


async def is_there(image: str) -> bool:
    """Whether Docker has the image of that name and tag."""
    return bool(await lines("image", "ls", "--quiet", image))


async def provide(image: str, mirrors: Mirrors, progress: Progress) -> None:
    """Build the image of that name unless this machine has it.

    Two rehearsals that need it at the same time build it once. Raises InstanceError.
    """
    async with machine_locks.locked("Debian 13 image", progress):
        if not await is_there(image):
            folder = _build_folder()
            await run_script(
                ["unshare", "--mount", RECIPE / "build.sh", image, folder, mirrors.main, mirrors.security],
                folder.with_suffix(".log"),
                f"The Debian 13 image could not be built: see that {mirrors.main} answers and {folder.parent} has room",
                _Teller(progress),
            )

"""nginx of this Debian: installed, or unpacked beside without installing anything."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from rehearsal.toolchain import cache


def nginx() -> Path:
    """nginx's program."""
    found = shutil.which("nginx")
    if found:
        return Path(found)
    if not _candidate():
        # A machine whose lists of packages were never read, as those of containers' images.
        subprocess.run(["apt-get", "update", "-qq"], check=True)
    version = _candidate()
    assert version, "apt-cache knows no nginx: 'apt-get update' first"

    def unpack(folder: Path) -> None:
        subprocess.run(["apt-get", "download", "nginx"], cwd=folder, check=True, capture_output=True)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
            package.unlink()

    return cache.fill(f"nginx-{re.sub(r'[^0-9.]', '-', version)}", unpack, print) / "usr/sbin/nginx"


def _candidate() -> str:
    """Version that apt would install; empty where apt knows none."""
    policy = subprocess.run(["apt-cache", "policy", "nginx"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Candidate: (\d\S*)", policy)
    return found[1] if found else ""

"""Packs what the game master downloads, as the projects themselves pack it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]
STAND_IN = Path(__file__).parent / "stand_in"
MAIN = "import sys\n\nfrom rehearsal.k3s.stand_in.commands import main\n\nmain(sys.argv[1:])\n"
STAGES = Path(__file__).parents[1] / "kapsule" / "stages"

Endpoint = tuple[str, int]
"""Address and port."""


def pack_k3s(target: Path, programs: Path, version: str, forwards: Mapping[Endpoint, Endpoint]) -> None:
    """One program that is a stand-in for K3s.

    programs: the folder with the control plane and kwok. version: what it calls itself.
    forwards: a Service's address in the cluster to where the answers come from.
    """
    about = {
        "version": version,
        "forwards": [
            {"address": address, "port": port, "to": list(to)} for (address, port), to in sorted(forwards.items())
        ],
    }
    files = {
        "control-plane": (programs / "etcd").read_bytes(),
        "kwok": (programs / "kwok").read_bytes(),
        **{f"stages/{stage.name}": stage.read_bytes() for stage in sorted(STAGES.glob("*.yaml"))},
    }
    fingerprint = hashlib.sha256(b"".join(hashlib.sha256(data).digest() for data in files.values())).hexdigest()[:16]
    texts = {"__main__.py": MAIN, "about.json": json.dumps(about), "fingerprint": fingerprint}
    # Of the packages around the stand-in nothing but their names: the game master has none of their requirements.
    texts |= {"rehearsal/__init__.py": "", "rehearsal/k3s/__init__.py": ""}
    texts |= {str(module.relative_to(PROJECT)): module.read_text() for module in sorted(STAND_IN.glob("*.py"))}
    partial = target.with_suffix(".part")
    with partial.open("wb") as out:
        # Python runs an archive that begins with its name: https://docs.python.org/3/library/zipapp.html
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, data in {**{name: text.encode() for name, text in texts.items()}, **files}.items():
                # The same content gives the same file: no time of packing in it.
                archive.writestr(zipfile.ZipInfo(name), data)
    partial.replace(target)


def pack_helm(target: Path, program: Path) -> None:
    """Helm's archive for Linux on amd64."""
    content = program.read_bytes()
    partial = target.with_suffix(".part")
    with tarfile.open(partial, "w:gz", compresslevel=1) as archive:
        entry = tarfile.TarInfo("linux-amd64/helm")
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    partial.replace(target)

"""NoCloud seed of cloud-init on an Instance's disk.

https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html
"""

from __future__ import annotations

import io
import json
import re
import tarfile

from rehearsal.scaleway.backends import Machine

FOLDER = "var/lib/cloud/seed/nocloud"
NO_INSTRUCTIONS = "#cloud-config\n{}\n"


def hostname(name: str) -> str:
    """Host name for an Instance of that name: at most 63 lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9-]+", "-", name.lower())[:63].strip("-") or "instance"


def seed(machine: Machine) -> bytes:
    """Tar archive for the root of the Instance's disk, readable by root alone.

    The project's SSH keys are metadata, as at Scaleway: cloud-init authorizes them for root beside those of the user
    data.
    """
    metadata = {
        "instance-id": machine.id,
        "local-hostname": hostname(machine.name),
        "public-keys": list(machine.authorized_keys),
    }
    files = {
        "meta-data": json.dumps(metadata),  # JSON is YAML
        "user-data": machine.user_data.get("cloud-init") or NO_INSTRUCTIONS,
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo(FOLDER)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o700
        archive.addfile(folder)
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.mode, entry.size = 0o600, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()

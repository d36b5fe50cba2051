"""Putting the stand-in plugins where the engine looks for plugins."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# What each stands in for: the versions that requirements.txt pins.
VERSIONS = {"command": "1.2.1", "rancher2": "13.0.1"}
LAUNCHER = Path(__file__).with_name("launch.sh")


def install(pulumi_home: Path, name: str) -> Path:
    """Makes the engine with that PULUMI_HOME find the stand-in (a key of VERSIONS); returns its executable.

    The plugin runs from this checkout with this Python. Done again, it changes nothing.
    """
    folder = pulumi_home / "plugins" / f"resource-{name}-v{VERSIONS[name]}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "interpreter").write_text(sys.executable)
    executable = folder / f"pulumi-resource-{name}"
    fresh = folder / f".{os.getpid()}"
    fresh.symlink_to(LAUNCHER)
    fresh.rename(executable)
    return executable

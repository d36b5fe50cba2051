"""Putting the stand-ins where the engine looks for its plugins, and for its language host."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

# What each stands in for: the versions that requirements.txt pins.
VERSIONS = {"command": "1.2.1", "rancher2": "13.0.1"}
LANGUAGE_HOST = "pulumi-language-python"
CHECKOUT = Path(__file__).parents[2]
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


def install_language_host(engine: Path) -> Path:
    """Makes an engine find the stand-in for its Python language host; returns its executable.

    The engine looks for it on PATH, where it warns of it, and beside its own file once links are resolved (pulumi,
    sdk/go/common/workspace/plugins.go, getPluginInfoAndPath): `engine` is a file of its own, no link to one that others
    use.
    """
    executable = engine.with_name(LANGUAGE_HOST)
    fresh = executable.with_name(f".{os.getpid()}")
    host = CHECKOUT / "rehearsal" / "plugins" / "language" / "__main__.py"
    # -P: the project's folder, in which the engine starts it, must not be searched for modules.
    fresh.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P {shlex.quote(str(host))} "$@"\n')
    fresh.chmod(0o755)
    fresh.rename(executable)
    return executable

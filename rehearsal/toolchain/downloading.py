"""Gets programs from their publishers, by the means that the publishers offer for it.

The engine comes by the automation API's own installer, the plugins by the engine's: they know the
platform, and whoever has a mirror names it to them (PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES).
"""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache as once
from pathlib import Path

from pulumi.automation import PulumiCommand

from rehearsal.toolchain import cache
from rehearsal.toolchain.catalogue import Plugin, pinned
from rehearsal.toolchain.tools import Progress

_PULUMI = "https://get.pulumi.com/"
_GITHUB = "https://api.github.com/"
_CONNECT_SECONDS = 5
_INSTALL_SECONDS = 600


def engine_entry() -> Path:
    """Where the cache keeps the downloaded engine; it matches the SDK."""
    return cache.entry(f"official-pulumi-{pinned('pulumi')}")


def plugin_entry(plugin: Plugin) -> Path:
    """Where the cache keeps a downloaded plugin."""
    return cache.entry(f"official-{plugin.package}-{plugin.version}")


def download_engine(progress: Progress) -> Path | None:
    """The downloaded engine, or None, with a line for the operator, when it cannot be had."""

    def install(folder: Path) -> None:
        PulumiCommand.install(root=str(folder))

    return _attempt(_PULUMI, engine_entry(), install, progress)


def download_plugin(plugin: Plugin, engine: Path, progress: Progress) -> Path | None:
    """The downloaded plugin's folder, or None, with a line for the operator, when it cannot be had."""

    def install(folder: Path) -> None:
        server = ["--server", plugin.server] if plugin.server else []
        subprocess.run(
            [engine, "plugin", "install", "resource", plugin.package, plugin.version, "--exact", *server],
            env={**os.environ, "PULUMI_HOME": str(folder), "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_INSTALL_SECONDS,
            check=True,
        )

    return _attempt(_GITHUB if plugin.server else _PULUMI, plugin_entry(plugin), install, progress)


def plugin_folder(home: Path, plugin: Plugin) -> Path:
    """Where an engine whose PULUMI_HOME is `home` keeps a plugin."""
    return home / "plugins" / f"resource-{plugin.package}-v{plugin.version}"


def _attempt(publisher: str, entry: Path, install: Callable[[Path], None], progress: Progress) -> Path | None:
    if not _reachable(publisher):
        return None
    progress(f"downloading it from {publisher}")
    try:
        return cache.fill(entry.name, install, progress)
    except urllib.error.URLError as error:
        progress(f"the download failed: {error.reason}")
    except subprocess.TimeoutExpired:
        progress(f"the download took more than {_INSTALL_SECONDS} s and was given up")
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or b"").decode(errors="replace").strip().splitlines()
        progress(f"the download failed: {said[-1] if said else error}")
    return None


@once
def _reachable(publisher: str) -> bool:
    """Whether a publisher answers at all; asked once, as each failed attempt to download takes seconds."""
    question = urllib.request.Request(publisher, method="HEAD")  # noqa: S310 (both are https)
    try:
        with urllib.request.urlopen(question, timeout=_CONNECT_SECONDS):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False

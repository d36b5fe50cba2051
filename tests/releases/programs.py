"""The real engine, the Kubernetes plugin and the control plane: from the environment, or from the tool chain."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.console import Console

from tests.plugins.engine import engine_binary


def lay_out(home: Path) -> None:
    """Make a folder what the automation API wants: bin/pulumi, and the plugins that it may load."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "pulumi").symlink_to(engine_binary())
    plugin = _named("SHAMBHALA_KUBERNETES_PLUGIN")
    if plugin is None:
        from rehearsal.toolchain import install_plugins, provide

        install_plugins(provide(Console(stderr=True)), home)
        return
    # The engine looks for the version that the SDK asks for.
    folder = home / "plugins" / f"resource-kubernetes-v{version('pulumi-kubernetes')}"
    folder.mkdir(parents=True)
    (folder / "pulumi-resource-kubernetes").symlink_to(plugin)


def control_plane() -> Path:
    """The folder with etcd, kube-apiserver, kubectl and the rest."""
    folder = _named("SHAMBHALA_CONTROL_PLANE")
    if folder is None:
        from rehearsal.toolchain import provide

        return provide(Console(stderr=True)).control_plane
    return folder


def _named(variable: str) -> Path | None:
    """The path that an environment variable holds, None if it is not set."""
    value = os.environ.get(variable)
    if value is None:
        return None
    if not Path(value).exists():
        pytest.fail(f"{variable} names {value!r}, which is not there: correct it, or unset it to have one built.")
    return Path(value)

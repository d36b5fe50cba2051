"""Programs of a node."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rehearsal.toolchain.catalogue import CONTAINERD
from rehearsal.toolchain.providing import provide_built


@dataclass(frozen=True)
class NodePrograms:
    """Where a node's programs lie on this machine."""

    kubernetes: Path
    """Folder with kubelet, kube-proxy and kube-network-policies."""
    containerd: Path
    """Folder with containerd, its shim and ctr."""


def provide(control_plane: Path, console: Console) -> NodePrograms:
    """Everything that a node runs, built unless the cache has it. Raises ToolchainError.

    control_plane: folder with the programs of the control plane, which hold the kubelet too.
    """
    return NodePrograms(kubernetes=control_plane, containerd=provide_built(CONTAINERD, console).path.parent)

"""Programs of a node, and the images that every node has from its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rehearsal.nodes.pod_images import PodImage, archive
from rehearsal.toolchain.catalogue import CONTAINERD, COREDNS, PAUSE
from rehearsal.toolchain.providing import provide_built

PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"
"""Image of every pod's sandbox, under the name by which containerd 2.3 asks for it."""
COREDNS_IMAGE = f"registry.k8s.io/coredns/coredns:v{COREDNS.version}"


@dataclass(frozen=True)
class NodePrograms:
    """Where a node's programs lie on this machine."""

    kubernetes: Path
    """Folder with kubelet, kube-proxy and kube-network-policies."""
    containerd: Path
    """Folder with containerd, its shim and ctr."""
    images: tuple[Path, ...]
    """Files with the images of sandboxes and of the cluster's name server."""


def provide(control_plane: Path, console: Console) -> NodePrograms:
    """Everything that a node runs, built unless the cache has it. Raises ToolchainError.

    control_plane: folder with the programs of the control plane, which hold the kubelet too.
    """
    containerd, coredns, pause = (provide_built(source, console).path for source in (CONTAINERD, COREDNS, PAUSE))
    images = (
        PodImage(PAUSE_IMAGE, {"pause": pause}, ["/pause"], user="65535:65535"),
        PodImage(COREDNS_IMAGE, {"coredns": coredns}, ["/coredns"]),
    )
    return NodePrograms(
        kubernetes=control_plane,
        containerd=containerd.parent,
        images=tuple(archive(image, lambda line: console.print(f"  {line}", markup=False)) for image in images),
    )

"""Proof that nothing of a rehearsal's nodes is left on this machine.

What a node makes (mounts, control groups, rules of the packet filter) lies in the container's own name spaces and goes
with the container; a kernel that kept some would show them under the container's id.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rehearsal.instances.docker import DockerError, docker
from rehearsal.session import Session

_CONTROL_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Footprint:
    """Names under which this machine knows a node, from its start on."""

    container: str
    """Id of the container."""
    network: str
    """Id of the Docker network."""
    volumes: tuple[str, ...]
    """Docker's names of the node's volumes."""


def write_footprint(session: Session, footprint: Footprint) -> None:
    """Note a node before anybody uses the node, so that a crash leaves none unknown."""
    folder = _folder(session)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{footprint.container}.json").write_text(json.dumps(asdict(footprint)))


async def node_leftovers(session: Session) -> list[str]:
    """What is still there of the nodes that a rehearsal has ever had, each in a few words."""
    left: list[str] = []
    for file in sorted(await asyncio.to_thread(lambda: list(_folder(session).glob("*.json")))):
        told = json.loads(file.read_text())
        footprint = Footprint(told["container"], told["network"], tuple(told["volumes"]))
        left += await asyncio.to_thread(_kernel_leftovers, footprint)
        left += [f"volume {volume}" for volume in footprint.volumes if await _is_there("volume", volume)]
        left += [f"network {footprint.network}"] if await _is_there("network", footprint.network) else []
    return left


def _folder(session: Session) -> Path:
    return session.home / "nodes"


def _kernel_leftovers(footprint: Footprint) -> list[str]:
    left = [f"control group {path}" for path in _CONTROL_GROUPS.glob(f"*/docker/{footprint.container}*")]
    left += [f"control group {path}" for path in _CONTROL_GROUPS.glob(f"**/docker-{footprint.container}.scope")]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    left += [f"mount {line.split()[4]}" for line in mounts if footprint.container in line]
    # Docker names a network's bridge by the first twelve digits of the network's id.
    bridge = f"br-{footprint.network[:12]}"
    left += [f"network interface {bridge}"] if Path("/sys/class/net", bridge).exists() else []
    return left


async def _is_there(kind: str, name: str) -> bool:
    try:
        await docker(kind, "inspect", name)
    except DockerError:
        return False
    return True

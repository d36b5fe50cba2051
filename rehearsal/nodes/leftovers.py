"""Removal of nodes' volumes, and proof that nothing of a rehearsal's nodes is left on this machine.

A volume bears no label of the rehearsal: one whose container was removed by hand is known by its note alone. What else
a node makes (mounts, control groups, rules of the packet filter) lies in the container's own name spaces and goes with
the container; a kernel that kept some would show them under the container's id.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rehearsal.instances.docker import docker, lines
from rehearsal.instances.docker_daemon import answers
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
    fresh = folder / f"{footprint.container}.fresh"
    fresh.write_text(json.dumps(asdict(footprint)))
    fresh.rename(fresh.with_suffix(".json"))


async def remove_node_volumes(session: Session) -> None:
    """Remove the volumes of the nodes that a rehearsal has ever had; the nodes are gone. Raises DockerError."""
    if found := await _volumes(await asyncio.to_thread(_footprints, session)):
        await docker("volume", "rm", *found)


async def node_leftovers(session: Session) -> list[str]:
    """What is still there of the nodes that a rehearsal has ever had, each in a few words.

    Volumes and networks cannot be seen while no Docker daemon answers.
    """
    footprints = await asyncio.to_thread(_footprints, session)
    left = [thing for each in footprints for thing in await asyncio.to_thread(_kernel_leftovers, each)]
    left += [f"volume {volume}" for volume in await _volumes(footprints)]
    if footprints and await answers():
        standing = set(await lines("network", "ls", "--quiet", "--no-trunc"))
        left += [f"network {network}" for network in sorted({each.network for each in footprints} & standing)]
    return left


async def _volumes(footprints: Sequence[Footprint]) -> list[str]:
    """Docker's names of the volumes that are still there."""
    if not footprints or not await answers():
        return []
    standing = set(await lines("volume", "ls", "--quiet"))
    return sorted({volume for each in footprints for volume in each.volumes} & standing)


def _footprints(session: Session) -> list[Footprint]:
    found = [json.loads(file.read_text()) for file in sorted(_folder(session).glob("*.json"))]
    return [Footprint(told["container"], told["network"], tuple(told["volumes"])) for told in found]


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

"""Docker container that is a board's node, and the network between that node and this machine."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.instances import base_image
from rehearsal.instances.docker import InstanceError, docker, lines
from rehearsal.nodes.leftovers import Footprint, write_footprint
from rehearsal.nodes.machine_image import FILES, image_name
from rehearsal.nodes.programs import NodePrograms
from rehearsal.processes import started_at
from rehearsal.session import Block, Service, Session

BOARD = "shambhala.board"
"""Label of a container and of its network: the id of the cluster."""
# Mounts, control groups and a network of pods' own; no --privileged, which needs CAP_SYS_RESOURCE.
_AS_A_NODE = (
    *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE", "--cap-add", "SYSLOG"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--cgroupns", "private"),
    *("--tmpfs", "/run:exec,mode=755", "--tmpfs", "/tmp:exec,mode=1777"),  # noqa: S108 (the node's)
    # Layers of images lie in an overlay, which cannot lie in another overlay; and volumes of claims outlast a crash.
    *("--volume", "/var", "--device-cgroup-rule", "a *:* rwm", "--stop-signal", "SIGKILL"),
)
_DEVICES = ("/dev/kmsg:/dev/kmsg:r", "/dev/fuse", "/dev/net/tun")


@dataclass(frozen=True)
class NodeSpec:
    """What a node is started with."""

    cluster: str
    """Id of the cluster."""
    name: str
    pod_range: str
    """CIDR of the addresses of the node's pods."""
    files: Path
    """Folder with configuration and identity: /node in the container."""


@dataclass(frozen=True)
class Running:
    """A node that runs, as this machine sees the node."""

    process: int
    """Id of the first process."""
    started: int
    """Start time of that process."""
    address: str

    @property
    def alive(self) -> bool:
        return started_at(self.process) == self.started


class NodeContainer:
    """The node of one cluster, whichever name the node has."""

    def __init__(self, session: Session, cluster: str, programs: NodePrograms) -> None:
        self._session = session
        self._cluster = cluster
        self._programs = programs
        self._image = image_name(base_image.Mirrors())

    @property
    def name(self) -> str:
        """Name of the container."""
        return f"shambhala-{self._session.name}-node-{self._cluster}"

    @property
    def _network(self) -> str:
        return f"shambhala-{self._session.name}-board-{self._cluster}"

    async def provide_network(self) -> str:
        """Address of this machine in the board's network, which is made unless it is there."""
        if not await lines("network", "ls", "--quiet", "--filter", f"name=^{self._network}$"):
            await docker("network", "create", *self._labels(), self._network)
        told: Any = json.loads(await docker("network", "inspect", self._network))
        # What comes from there may be meant for the rehearsal's own addresses, which are loopback's.
        await asyncio.to_thread(_lead_to_loopback, f"br-{told[0]['Id'][:12]}")
        return told[0]["IPAM"]["Config"][0]["Gateway"]

    async def start(self, spec: NodeSpec) -> Running:
        """Start the node, made unless there is one of that name; one of another name is removed."""
        known = await self._inspect()
        if known and known["Config"]["Hostname"] != spec.name:
            await self.remove()
            known = None
        if known is None:
            await self._create(spec)
        # Also one that a crash kept from being noted.
        await self._note()
        await docker("container", "start", self.name)
        return await self.running()

    async def running(self) -> Running:
        """The node that has been started. Raises InstanceError when it ended."""
        told = await self._inspect()
        process: int = told["State"]["Pid"] if told else 0
        started = started_at(process) if process else None
        if not told or started is None:
            raise InstanceError(f"The node {self.name} ended at once. Its log ends with:\n{await self.log()}")
        return Running(process, started, told["NetworkSettings"]["Networks"][self._network]["IPAddress"])

    async def _note(self) -> None:
        told = json.loads(await docker("container", "inspect", self.name))[0]
        network: Any = json.loads(await docker("network", "inspect", self._network))
        volumes = tuple(mount["Name"] for mount in told["Mounts"] if mount["Type"] == "volume")
        write_footprint(self._session, Footprint(told["Id"], network[0]["Id"], volumes))

    async def _create(self, spec: NodeSpec) -> None:
        if not await base_image.is_there(self._image):
            raise InstanceError(
                f"The image {self._image} is not on this machine: run 'make rehearse NODES=real', which builds it."
            )
        mounts: Mapping[Path, str] = {
            FILES / "entrypoint.sh": "/entrypoint.sh",
            FILES / "rehearsal-addresses": "/usr/lib/cni/rehearsal-addresses",
            spec.files: "/node",
            self._programs.kubernetes: "/programs/kubernetes",
            self._programs.containerd: "/programs/containerd",
        }
        await docker(
            *("container", "create", "--name", self.name, "--hostname", spec.name, "--network", self._network),
            *self._labels(),
            *_AS_A_NODE,
            *(part for device in _devices() for part in ("--device", device)),
            *("--env", f"NODE_NAME={spec.name}", "--env", f"POD_RANGE={spec.pod_range}"),
            *("--env", f"REHEARSAL_ADDRESSES={' '.join(rehearsal_addresses(self._session))}"),
            *(part for outside, inside in mounts.items() for part in ("--volume", f"{outside}:{inside}:ro")),
            self._image,
        )

    async def execute(self, *command: str) -> str:
        """What a command prints in the node. Raises DockerError when the command fails."""
        return await docker("container", "exec", self.name, *command)

    async def log(self, count: int = 15) -> str:
        """Last lines of what the node's entry point said."""
        return await docker("container", "logs", "--tail", str(count), self.name)

    async def remove(self) -> None:
        """Remove the node with its pods and their volumes; nothing happens if there is none."""
        for found in await lines("container", "ls", "--all", "--quiet", "--filter", f"name=^/{self.name}$"):
            await docker("container", "rm", "--force", "--volumes", found)

    async def remove_all(self) -> None:
        """Remove the node and the board's network; nothing happens if there is neither."""
        await self.remove()
        for found in await lines("network", "ls", "--quiet", "--filter", f"name=^{self._network}$"):
            await docker("network", "rm", found)

    async def _inspect(self) -> dict[str, Any] | None:
        if not await lines("container", "ls", "--all", "--quiet", "--filter", f"name=^/{self.name}$"):
            return None
        return json.loads(await docker("container", "inspect", self.name))[0]

    def _labels(self) -> tuple[str, ...]:
        return ("--label", self._session.label, "--label", f"{BOARD}={self._cluster}")


def _devices() -> list[str]:
    """What this machine has of the devices that pods may want."""
    return [device for device in _DEVICES if Path(device.partition(":")[0]).exists()]


def _lead_to_loopback(interface: str) -> None:
    """Let what comes in at an interface reach addresses of this machine's loopback range."""
    Path(f"/proc/sys/net/ipv4/conf/{interface}/route_localnet").write_text("1")


def rehearsal_addresses(session: Session) -> tuple[str, ...]:
    """Networks of what a rehearsal offers to pods: machines, load balancers, gateways, and the ACME server."""
    blocks = (Block.INSTANCES, Block.LOAD_BALANCERS, Block.GATEWAYS)
    return (
        *(f"127.{session.slot}.{int(block)}.0/24" for block in blocks),
        f"{session.address(Block.SERVICES, Service.ACME)}/32",
    )


async def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Make a folder hold exactly these files, which only their owner can read."""

    def write() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        for name, text in files.items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text)

    await asyncio.to_thread(write)

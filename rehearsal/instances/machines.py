"""Instances of one rehearsal, and the private networks between them."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from rehearsal.instances import base_image, docker_daemon, machine_locks, port_redirection
from rehearsal.instances.base_image import Mirrors
from rehearsal.instances.cloud_init_seed import hostname, seed
from rehearsal.instances.docker import InstanceError, docker, lines
from rehearsal.instances.machine_locks import Progress
from rehearsal.instances.port_forwarding import PublishedPorts, Target
from rehearsal.instances.service_forwarding import ServiceForwarding
from rehearsal.processes import started_at
from rehearsal.scaleway.backends import Machine, Rule
from rehearsal.session import Session

MACHINE = "shambhala.instance"
"""Label of a container: the id of its Instance."""
NEVER_BOOTS = "shambhala.never-boots"
"""Label of a container that was made to fail."""
NETWORK = "shambhala.network"
"""Label of a Docker network: the id of its private network."""

# systemd mounts and makes control groups; it gets its own name space of them and nothing of the host's.
AS_A_MACHINE = (
    *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--cgroupns", "private", "--tmpfs", "/run:exec", "--tmpfs", "/tmp:exec,mode=1777"),  # noqa: S108 (the machine's)
    *("--stop-signal", "SIGRTMIN+3"),
)
HALT_LIMIT = 20
"""Seconds that a machine gets to shut down before its power is cut."""


@dataclass(frozen=True)
class _Container:
    id: str
    state: str
    """created (never started), running, exited, …"""
    process: int
    never_boots: bool
    addresses: Mapping[str, str]
    """Docker network to the address that was asked for there, or that it has."""


class Instances:
    """Runs Instances as Debian 13 containers that boot with systemd and cloud-init.

    Implements rehearsal.scaleway.backends.Machines. Each machine has one interface into the rehearsal's outside
    network, as a public Instance has, and one into each of its private networks.
    The rehearsal's services are reached at their own addresses in a machine too (see service_forwarding).
    Everything in Docker bears the rehearsal's label, so that it is found without this object's memory.
    """

    def __init__(self, session: Session, mirrors: Mirrors | None = None) -> None:
        self._session = session
        self._mirrors = mirrors or Mirrors()
        # Settled now: a checkout that changes while a rehearsal stands does not change its image.
        self._image = base_image.image_name(self._mirrors)
        self._published_ports: dict[str, PublishedPorts] = {}
        self._services: dict[str, ServiceForwarding] = {}
        self._busy: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._outside_busy = asyncio.Lock()
        self._boots_to_fail = 0

    async def prepare(self, progress: Progress) -> None:
        """Make Docker and the base image ready, which takes a minute or two the first time.

        Raises InstanceError saying what is missing.
        """
        machine_locks.need_root()
        _need_second_hierarchy()
        await docker_daemon.provide(self._session, progress)
        await base_image.provide(self._image, self._mirrors, progress)

    def fail_next_boot(self) -> None:
        """Let the next machine that is created never boot: it runs, and nothing in it ever listens.

        Halting and booting that machine heals it.
        """
        self._boots_to_fail += 1

    async def create_network(self, network: str, subnet: str) -> None:
        """Make a private network; its first address is the host's, as Scaleway reserves it for the gateway.

        Nothing happens if it is there already.
        """
        async with self._busy[network]:
            if await self._network_ids(network):
                return
            gateway = next(IPv4Network(subnet).hosts())
            await docker(
                *("network", "create", "--driver", "bridge", "--internal"),
                *("--subnet", subnet, "--gateway", str(gateway)),
                *("--label", self._session.label, "--label", f"{NETWORK}={network}", self._private(network)),
            )

    async def remove_network(self, network: str) -> None:
        async with self._busy[network]:
            for found in await self._network_ids(network):
                await docker("network", "rm", found)

    async def boot(self, machine: Machine) -> None:
        async with self._busy[machine.id]:
            container = await self._find(machine.id)
            if container and (container.state == "created" or (container.never_boots and container.state == "exited")):
                # Its making was interrupted, or it was made to fail: only a new one can boot.
                await docker("container", "rm", "--force", "--volumes", container.id)
                container = None
            if container is None:
                await self._create(machine)
                container = await self._get(machine.id)
            await self._wire(container, machine.networks)
            if container.state != "running":
                await docker("container", "cp", "-", f"{container.id}:/", stdin=seed(machine))
                await docker("container", "start", container.id)
            await self._follow(machine.id)

    async def halt(self, machine: str) -> None:
        async with self._busy[machine]:
            if machine in self._published_ports:
                await self._published_ports[machine].close_all()
            if machine in self._services:
                await self._services[machine].close_all()
            if container := await self._find(machine):
                await docker("container", "stop", "-t", str(HALT_LIMIT), container.id)

    async def remove(self, machine: str) -> None:
        async with self._busy[machine]:
            if ports := self._published_ports.pop(machine, None):
                await ports.close_all()
            if service_forwarding := self._services.pop(machine, None):
                await service_forwarding.close_all()
            for found in await self._container_ids(f"{MACHINE}={machine}"):
                await docker("container", "rm", "--force", "--volumes", found)
        async with self._outside_busy:
            # A board's node bears the rehearsal's label too, and is in another network.
            if not await self._container_ids(MACHINE):
                await _remove_networks(f"name=^{self._outside}$")

    async def publish_ports(self, machine: str, public_address: str | None, ports: Sequence[Rule]) -> None:
        """See Machines. Raises InstanceError when a port is taken by another program of this host."""
        async with self._busy[machine]:
            await self._published_ports_of(machine).allow(public_address, ports)
            await self._follow(machine)

    async def close(self) -> None:
        """Close every published port; the machines keep running. For the end of the server process."""
        open_ports = (*self._published_ports.values(), *self._services.values())
        await asyncio.gather(*(each.close_all() for each in open_ports))
        self._published_ports.clear()
        self._services.clear()

    def _published_ports_of(self, machine: str) -> PublishedPorts:
        return self._published_ports.setdefault(machine, PublishedPorts(self._session.label))

    async def _follow(self, machine: str) -> None:
        container = await self._find(machine)
        if container is None or container.state != "running":
            return
        started = started_at(container.process)
        if started is not None:
            target = Target(container.process, started, container.addresses[self._outside])
            await self._published_ports_of(machine).follow(target)
            services = self._services.setdefault(machine, ServiceForwarding(self._session))
            await services.follow(container.process, started)

    async def _create(self, machine: Machine) -> None:
        labels = ["--label", self._session.label, "--label", f"{MACHINE}={machine.id}"]
        if not await base_image.is_there(self._image):
            raise InstanceError(
                f"The image {self._image} is not on this machine: run 'make rehearse', which builds it."
            )
        what: Sequence[str] = (*AS_A_MACHINE, self._image)
        if self._boots_to_fail:
            self._boots_to_fail -= 1
            labels += ["--label", f"{NEVER_BOOTS}=yes"]
            what = ("--stop-signal", "SIGKILL", self._image, "sleep", "infinity")
        async with self._outside_busy:
            if not await _networks(f"name=^{self._outside}$"):
                # Machines reach one another by their private networks only; this one leads out.
                no_neighbours = "com.docker.network.bridge.enable_icc=false"
                await docker("network", "create", "--opt", no_neighbours, "--label", self._session.label, self._outside)
            await docker(
                *("container", "create", "--name", f"shambhala-{self._session.name}-{machine.id}"),
                *("--hostname", hostname(machine.name), "--network", self._outside, *labels, *what),
            )

    async def _wire(self, container: _Container, networks: Mapping[str, str]) -> None:
        """Make the container have exactly these private networks, with these addresses; also while it runs."""
        wanted = {self._private(network): address for network, address in networks.items()}
        for name, address in container.addresses.items():
            if name != self._outside and wanted.get(name) != address:
                await docker("network", "disconnect", "--force", name, container.id)
        for name, address in wanted.items():
            if container.addresses.get(name) != address:
                await docker("network", "connect", "--ip", address, name, container.id)

    @property
    def _outside(self) -> str:
        # Docker routes out by the network whose name sorts first, which is this one among "private-…".
        return f"shambhala-{self._session.name}-internet"

    def _private(self, network: str) -> str:
        return f"shambhala-{self._session.name}-private-{network}"

    async def _network_ids(self, network: str) -> list[str]:
        return await _networks(f"label={self._session.label}", f"label={NETWORK}={network}")

    async def _container_ids(self, *labels: str) -> list[str]:
        return await _containers(self._session.label, *labels)

    async def _get(self, machine: str) -> _Container:
        container = await self._find(machine)
        if container is None:
            raise InstanceError(f"The container of machine {machine} is gone: somebody removed it while it booted.")
        return container

    async def _find(self, machine: str) -> _Container | None:
        found = await self._container_ids(f"{MACHINE}={machine}")
        if not found:
            return None
        told: dict[str, Any] = json.loads(await docker("container", "inspect", found[0]))[0]
        addresses: dict[str, str] = {}
        for name, network in told["NetworkSettings"]["Networks"].items():
            asked_for: dict[str, str] = network["IPAMConfig"] or {}
            addresses[name] = asked_for.get("IPv4Address") or network["IPAddress"]
        return _Container(
            id=told["Id"],
            state=told["State"]["Status"],
            process=told["State"]["Pid"],
            never_boots=NEVER_BOOTS in told["Config"]["Labels"],
            addresses=addresses,
        )


async def remove_all(session: Session) -> None:
    """Remove every machine, network and redirection of a rehearsal, by label: no memory of it is needed.

    A Docker daemon that does not run is started first, for machines outlast their daemon; `release` stops it.
    """
    await port_redirection.end_all(session.label)
    if not docker_daemon.can_exist():
        return
    await docker_daemon.provide(session, machine_locks.silently)
    if found := await _containers(session.label):
        await docker("container", "rm", "--force", "--volumes", *found)
    await _remove_networks(f"label={session.label}")


async def leftovers(session: Session) -> list[str]:
    """What is still there of a rehearsal, each in a few words; empty when it has been taken down.

    Machines cannot be seen while no Docker daemon answers: ask before `release`.
    """
    left = [f"packet filter rule {rule}" for rule in await port_redirection.all_of(session.label)]
    if await docker_daemon.answers():
        chosen = ("--filter", f"label={session.label}")
        left += [
            f"container {name}" for name in await lines("container", "ls", "--all", *chosen, "--format", "{{.Names}}")
        ]
        left += [f"network {name}" for name in await lines("network", "ls", *chosen, "--format", "{{.Name}}")]
    return left


async def _containers(*labels: str) -> list[str]:
    chosen = [part for label in labels for part in ("--filter", f"label={label}")]
    return await lines("container", "ls", "--all", "--quiet", "--no-trunc", *chosen)


async def _networks(*filters: str) -> list[str]:
    chosen = [part for one in filters for part in ("--filter", one)]
    return await lines("network", "ls", "--quiet", "--no-trunc", *chosen)


async def _remove_networks(*filters: str) -> None:
    if found := await _networks(*filters):
        await docker("network", "rm", *found)


def _need_second_hierarchy() -> None:
    """Raise InstanceError without cgroup version 2: two machines would share systemd's names of services there."""
    unified = Path("/sys/fs/cgroup")
    if not (unified / "cgroup.controllers").exists() and not (unified / "unified" / "cgroup.controllers").exists():
        raise InstanceError(
            "This machine has version 1 of the control groups only. Mount version 2 beside it, then run this again: "
            "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified"
        )

"""The open ports of one machine at its public address.

A door stands open while a rule lets callers in *and* something in the machine listens behind it. So a
port on which nothing listens refuses connections, as on a real machine; and a rule for all ports costs
no more than what the machine serves. The machine's sockets are looked at ten times a second.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network

from rehearsal.instances import redirect
from rehearsal.instances.docker import InstanceError
from rehearsal.instances.forwarding import TcpDoor, UdpDoor
from rehearsal.instances.listening import listening
from rehearsal.processes import started_at
from rehearsal.scaleway.backends import Rule

LOOPBACK = IPv4Network("127.0.0.0/8")
"""Where every caller of a rehearsal comes from."""
LOOK_AGAIN = 0.1
"""Seconds between two looks at what the machine listens on."""
FEW = 32
"""Rules for at most so many ports have them tried at once, to tell early that one is taken."""
PROTOCOLS = ("TCP", "UDP")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A running machine as its host sees it."""

    process: int
    """Id of its init on the host."""
    started: int
    """Start time of that process, as rehearsal.processes tells it."""
    address: str
    """IPv4 address at which the host reaches it."""

    @property
    def running(self) -> bool:
        return started_at(self.process) == self.started


@dataclass(frozen=True)
class _Admission:
    """A rule that lets in callers of this machine."""

    protocols: tuple[str, ...]
    ports: range
    source: IPv4Network

    @classmethod
    def of(cls, rule: Rule) -> _Admission | None:
        source = ip_network(rule.source, strict=False)
        if not isinstance(source, IPv4Network) or not source.overlaps(LOOPBACK):
            return None
        protocols = PROTOCOLS if rule.protocol == "ANY" else (rule.protocol,)
        return cls(protocols, range(rule.first_port, rule.last_port + 1), source)


Key = tuple[str, int]
"""Protocol and port."""


@dataclass
class _Open:
    door: TcpDoor | UdpDoor
    listens_on: int
    """The port that the door has bound; another one than its own when it had to be redirected."""


class Doors:
    """Keeps a machine's doors as its rules and its programs want them.

    label: what redirections are marked with (rehearsal.instances.redirect).
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._address: str | None = None
        self._admissions: list[_Admission] = []
        self._target: Target | None = None
        self._open: dict[Key, _Open] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._complaints: set[str] = set()
        self._changing = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    async def admit(self, address: str | None, rules: Sequence[Rule]) -> None:
        """Let in what these rules say, at this address, from now on.

        Connections that stand go on, as with Scaleway's stateful security groups. Raises
        InstanceError when a port that a rule names is taken.
        """
        async with self._changing:
            if address != self._address:
                await self._close_all()
            self._address = address
            self._admissions = [admission for rule in rules if (admission := _Admission.of(rule))]
            if address:
                for protocol, port in self._named_ports() - set(self._open):
                    _bind(protocol, address, port).close()
            await self._adjust()

    async def follow(self, target: Target) -> None:
        """Lead to this machine; it has been booted."""
        async with self._changing:
            if target != self._target:
                await self._close_all()
            self._target = target
            await self._adjust()
            if self._watch is None:
                self._watch = asyncio.create_task(self._keep_watching(), name=f"doors to {target.address}")

    async def shut(self) -> None:
        """Close every door and break every connection, until a machine is followed again."""
        async with self._changing:
            self._target = None
            if self._watch:
                self._watch.cancel()
                await asyncio.wait([self._watch])
                self._watch = None
            await self._close_all()

    async def _close_all(self) -> None:
        for key in list(self._open):
            await self._close(key)
        for connection in self._connections:
            connection.cancel()

    def _named_ports(self) -> set[Key]:
        return {
            (protocol, port)
            for admission in self._admissions
            if len(admission.ports) <= FEW
            for port in admission.ports
            for protocol in admission.protocols
        }

    def _admissions_to(self, key: Key) -> list[_Admission]:
        protocol, port = key
        return [one for one in self._admissions if protocol in one.protocols and port in one.ports]

    def _wanted(self) -> set[Key]:
        target = self._target
        if target is None or self._address is None or not target.running:
            return set()
        served = {
            (found.protocol, found.port) for found in listening(target.process) if found.reached_at(target.address)
        }
        return {key for key in served if self._admissions_to(key)}

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            async with self._changing:
                await self._adjust()

    async def _adjust(self) -> None:
        """Open and close what the moment asks for; the caller holds the lock.

        A door that cannot be opened is complained of once, and tried again at the next look.
        """
        wanted = self._wanted()
        for key in set(self._open) - wanted:
            await self._close(key)
        for key in wanted - set(self._open):
            try:
                await self._unlock(key)
            except (InstanceError, OSError) as error:
                if str(error) not in self._complaints:
                    self._complaints.add(str(error))
                    log.error("%s", error)

    async def _unlock(self, key: Key) -> None:
        protocol, port = key
        if self._target is None or self._address is None:  # Then nothing is wanted.
            return
        listener = _bind(protocol, self._address, port)
        listens_on = int(listener.getsockname()[1])
        try:
            if listens_on != port:
                await redirect.lead(self._label, protocol, self._address, port, listens_on)
            door = self._door(key, self._target.address)
            await door.open(listener)
        except BaseException:
            listener.close()
            raise
        self._open[key] = _Open(door, listens_on)

    def _door(self, key: Key, machine: str) -> TcpDoor | UdpDoor:
        def admits(caller: str) -> bool:
            return any(IPv4Address(caller) in admission.source for admission in self._admissions_to(key))

        protocol, port = key
        if protocol == "TCP":
            return TcpDoor(machine, port, admits, self._connections)
        return UdpDoor(machine, port, admits)

    async def _close(self, key: Key) -> None:
        protocol, port = key
        opened = self._open.pop(key)
        opened.door.close()
        if opened.listens_on != port and self._address:
            await redirect.end(self._label, protocol, self._address, port, opened.listens_on)


def _bind(protocol: str, address: str, port: int) -> socket.socket:
    """A socket bound to that port, or to a free one when some program has the port on all addresses."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM)
    try:
        if protocol == "TCP":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _held_everywhere(protocol, port):
                raise
            bound.bind((address, 0))
    except OSError as error:
        bound.close()
        raise InstanceError(
            f"{protocol} port {port} of {address} cannot be opened ({error.strerror}): end what listens there; "
            f"'ss -lntup src {address}' names it."
        ) from error
    return bound


def _held_everywhere(protocol: str, port: int) -> bool:
    return any(
        found.protocol == protocol and found.port == port and found.address.is_unspecified for found in listening()
    )

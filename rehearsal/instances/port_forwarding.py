"""Published ports of an Instance: forwarders at its public address, as the security group allows them.

A port is open while a rule allows callers *and* a program in the Instance listens on that port. A port without a
listener refuses connections, as on a real Instance, and a rule for all ports costs no more than what the Instance
serves. The Instance's sockets are polled ten times a second.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network

from rehearsal.instances import port_redirection
from rehearsal.instances.docker import InstanceError
from rehearsal.instances.forwarding import TcpForwarder, UdpForwarder
from rehearsal.instances.listening_sockets import listening
from rehearsal.processes import started_at
from rehearsal.scaleway.backends import Rule

LOOPBACK = IPv4Network("127.0.0.0/8")
"""Source addresses of every caller in a rehearsal."""
POLL_SECONDS = 0.1
"""Between two polls of the Instance's listening sockets."""
MOST_PORTS_TRIED = 32
"""Ports of a rule up to which each is bound once when the rule is set, so that a taken port is an error at once."""
PROTOCOLS = ("TCP", "UDP")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A running Instance as seen from the host."""

    process: int
    """Process id of the Instance's init on the host."""
    started: int
    """Start time of that process (rehearsal.processes.started_at)."""
    address: str
    """IPv4 address of the Instance on Docker's network."""

    @property
    def running(self) -> bool:
        return started_at(self.process) == self.started


@dataclass(frozen=True)
class _AllowRule:
    """Security group rule that allows callers from loopback."""

    protocols: tuple[str, ...]
    ports: range
    source: IPv4Network

    @classmethod
    def of(cls, rule: Rule) -> _AllowRule | None:
        source = ip_network(rule.source, strict=False)
        if not isinstance(source, IPv4Network) or not source.overlaps(LOOPBACK):
            return None
        protocols = PROTOCOLS if rule.protocol == "ANY" else (rule.protocol,)
        return cls(protocols, range(rule.first_port, rule.last_port + 1), source)


Key = tuple[str, int]
"""Protocol and port."""


@dataclass
class _OpenPort:
    forwarder: TcpForwarder | UdpForwarder
    listens_on: int
    """Port that the forwarder has bound; differs from the published port where that is redirected."""


class PublishedPorts:
    """Published ports of one Instance, kept in line with its rules and its listening sockets.

    label: comment of the redirection rules in the packet filter (rehearsal.instances.port_redirection).
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._address: str | None = None
        self._allow_rules: list[_AllowRule] = []
        self._target: Target | None = None
        self._open: dict[Key, _OpenPort] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._complaints: set[str] = set()
        self._changing = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    async def allow(self, address: str | None, rules: Sequence[Rule]) -> None:
        """Allow exactly these rules at this public address from now on.

        Established connections continue, as with Scaleway's stateful security groups. Raises InstanceError where
        another program has a port that a rule names.
        """
        async with self._changing:
            if address != self._address:
                await self._close_ports()
            self._address = address
            self._allow_rules = [allowed for rule in rules if (allowed := _AllowRule.of(rule))]
            if address:
                for protocol, port in self._named_ports() - set(self._open):
                    _bind(protocol, address, port).close()
            await self._adjust()

    async def follow(self, target: Target) -> None:
        """Forward to this Instance, which has been booted."""
        async with self._changing:
            if target != self._target:
                await self._close_ports()
            self._target = target
            await self._adjust()
            if self._watch is None:
                self._watch = asyncio.create_task(self._keep_watching(), name=f"published ports of {target.address}")

    async def close_all(self) -> None:
        """Close every port and reset every connection, until `follow` names an Instance again."""
        async with self._changing:
            self._target = None
            if self._watch:
                self._watch.cancel()
                await asyncio.wait([self._watch])
                self._watch = None
            await self._close_ports()

    async def _close_ports(self) -> None:
        for key in list(self._open):
            await self._close(key)
        for connection in self._connections:
            connection.cancel()

    def _named_ports(self) -> set[Key]:
        return {
            (protocol, port)
            for rule in self._allow_rules
            if len(rule.ports) <= MOST_PORTS_TRIED
            for port in rule.ports
            for protocol in rule.protocols
        }

    def _rules_allowing(self, key: Key) -> list[_AllowRule]:
        protocol, port = key
        return [rule for rule in self._allow_rules if protocol in rule.protocols and port in rule.ports]

    def _wanted(self) -> set[Key]:
        target = self._target
        if target is None or self._address is None or not target.running:
            return set()
        served = {
            (found.protocol, found.port) for found in listening(target.process) if found.reached_at(target.address)
        }
        return {key for key in served if self._rules_allowing(key)}

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            async with self._changing:
                await self._adjust()

    async def _adjust(self) -> None:
        """Open the ports that are both allowed and listened on, and close the others; the caller holds the lock.

        A port that cannot be opened is logged once and tried again at the next poll.
        """
        wanted = self._wanted()
        for key in set(self._open) - wanted:
            await self._close(key)
        for key in wanted - set(self._open):
            try:
                await self._open_port(key)
            except (InstanceError, OSError) as error:
                if str(error) not in self._complaints:
                    self._complaints.add(str(error))
                    log.error("%s", error)

    async def _open_port(self, key: Key) -> None:
        protocol, port = key
        if self._target is None or self._address is None:
            return
        listener = _bind(protocol, self._address, port)
        listens_on = int(listener.getsockname()[1])
        try:
            if listens_on != port:
                await port_redirection.redirect(self._label, protocol, self._address, port, listens_on)
            forwarder = self._forwarder(key, self._target.address)
            await forwarder.open(listener)
        except BaseException:
            listener.close()
            raise
        self._open[key] = _OpenPort(forwarder, listens_on)

    def _forwarder(self, key: Key, machine: str) -> TcpForwarder | UdpForwarder:
        def allows(caller: str) -> bool:
            return any(IPv4Address(caller) in rule.source for rule in self._rules_allowing(key))

        protocol, port = key
        if protocol == "TCP":
            return TcpForwarder(machine, port, allows, self._connections)
        return UdpForwarder(machine, port, allows)

    async def _close(self, key: Key) -> None:
        protocol, port = key
        opened = self._open.pop(key)
        opened.forwarder.close()
        if opened.listens_on != port and self._address:
            await port_redirection.end(self._label, protocol, self._address, port, opened.listens_on)


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

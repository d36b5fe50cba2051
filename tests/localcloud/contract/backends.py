"""Machines and clusters that do nothing but note what they were asked to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from rehearsal.scaleway.backends import Cluster, Machine, Node, Rule

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- name: test
  cluster: {certificate-authority-data: Y2E=, server: "https://127.0.0.1:6443"}
contexts:
- name: admin@test
  context: {cluster: test, user: test-admin}
current-context: admin@test
users:
- name: test-admin
  user: {token: a-token}
"""


class BackendError(Exception):
    """What a backend raises in a test."""


@dataclass
class NoMachines:
    """gate: what every boot and halt waits for. broken: makes each of them fail."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    networks: dict[str, str] = field(default_factory=dict[str, str])
    machines: dict[str, Machine] = field(default_factory=dict[str, Machine])
    halted: list[str] = field(default_factory=list[str])
    ports: dict[str, Sequence[Rule]] = field(default_factory=dict[str, Sequence[Rule]])
    addresses: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    boots_to_fail: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def create_network(self, network: str, subnet: str) -> None:
        self.networks[network] = subnet

    async def remove_network(self, network: str) -> None:
        self.networks.pop(network, None)

    async def boot(self, machine: Machine) -> None:
        await self._work()
        self.machines[machine.id] = machine

    async def halt(self, machine: str) -> None:
        await self._work()
        self.halted.append(machine)

    async def remove(self, machine: str) -> None:
        await self._work()
        self.machines.pop(machine, None)

    async def publish_ports(self, machine: str, public_address: str | None, ports: Sequence[Rule]) -> None:
        self.ports[machine] = ports
        self.addresses[machine] = public_address

    def fail_next_boot(self) -> None:
        self.boots_to_fail += 1

    async def _work(self) -> None:
        await self.gate.wait()
        if self.broken:
            raise BackendError("no machine today")


@dataclass
class NoClusters:
    """gate: what every cluster's start waits for. broken: makes it fail."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    clusters: dict[str, Cluster] = field(default_factory=dict[str, Cluster])
    nodes: dict[str, Sequence[Node]] = field(default_factory=dict[str, Sequence[Node]])

    def __post_init__(self) -> None:
        self.gate.set()

    async def create(self, cluster: Cluster) -> None:
        await self.gate.wait()
        if self.broken:
            raise BackendError("no cluster today")
        self.clusters[cluster.id] = cluster

    async def set_nodes(self, cluster: str, pool: str, nodes: Sequence[Node]) -> None:
        self.nodes[pool] = nodes

    async def ready_nodes(self, cluster: str, pool: str) -> Sequence[str]:
        return [node.name for node in self.nodes.get(pool, ())]

    async def kubeconfig(self, cluster: str) -> str:
        return KUBECONFIG

    async def remove(self, cluster: str) -> None:
        self.clusters.pop(cluster, None)

"""What the Scaleway stand-in asks of the machines and clusters behind it.

The API keeps states and ids in its store; these do the work on this machine. Contract
tests give it backends that do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Rule:
    """Inbound allow rule of a security group."""

    protocol: str
    """TCP or UDP."""
    first_port: int
    last_port: int
    source: str
    """CIDR of the allowed callers."""


@dataclass(frozen=True)
class Machine:
    """What an Instance needs to boot."""

    id: str
    name: str
    public_address: str | None
    """Loopback address that stands for its public one."""
    user_data: Mapping[str, str]
    """Key to text; `cloud-init` holds the first-boot instructions."""
    authorized_keys: Sequence[str]
    """Public SSH keys of the project, which Scaleway gives to every Instance at boot."""
    networks: Mapping[str, str]
    """Private network id to the address this machine has there."""
    ports: Sequence[Rule] = ()
    """Inbound allow rules of its security group."""


class Machines(Protocol):
    """Runs Instances and the private networks between them."""

    async def create_network(self, network: str, subnet: str) -> None: ...
    async def remove_network(self, network: str) -> None: ...
    async def boot(self, machine: Machine) -> None:
        """Boot a machine, for the first time or again; returns once its init has been started.

        A machine that runs is not booted again, but gets exactly these private networks.
        """
        ...

    async def halt(self, machine: str) -> None: ...
    async def remove(self, machine: str) -> None:
        """Remove a machine with its disk; nothing happens if it is gone."""
        ...

    async def publish_ports(self, machine: str, public_address: str | None, ports: Sequence[Rule]) -> None:
        """Make exactly these ports reachable at the public address, at once, also while the machine runs."""
        ...

    def fail_next_boot(self) -> None:
        """Let the next new machine never boot: it runs, and nothing in it ever answers."""
        ...


@dataclass(frozen=True)
class Cluster:
    """What a Kapsule control plane needs to start."""

    id: str
    name: str
    version: str
    """Kubernetes version as asked for, such as 1.36.3."""
    pod_cidr: str
    service_cidr: str
    admission_plugins: Sequence[str] = ()
    apiserver_cert_sans: Sequence[str] = ()


@dataclass(frozen=True)
class Node:
    """One node that a pool should have."""

    name: str
    node_type: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    taints: Sequence[Mapping[str, str]] = ()
    """Each with key, value and effect."""


class Clusters(Protocol):
    """Runs Kapsule control planes and their nodes."""

    async def create(self, cluster: Cluster) -> None:
        """Start a control plane, or go on with the one whose data is there; returns once it answers."""
        ...

    async def set_nodes(self, cluster: str, pool: str, nodes: Sequence[Node]) -> None:
        """Make a pool have exactly these nodes."""
        ...

    async def ready_nodes(self, cluster: str, pool: str) -> Sequence[str]:
        """Names of a pool's nodes that are Ready."""
        ...

    async def kubeconfig(self, cluster: str) -> str: ...

    async def remove(self, cluster: str) -> None:
        """Stop a control plane and delete its data; nothing happens if it is gone."""
        ...


class LoadBalancers(Protocol):
    """Gives a cluster's LoadBalancer Services their addresses; the API implements it."""

    async def acquire(self, cluster: str, service: str, reserved_ip: str | None, zone: str | None) -> str:
        """The address for a Service (its UID), from the reserved IP (its id) if there is one.

        zone: where the load balancer is to be; by default in the region's first. Asking again for the same Service
        gives the same address. Raises LookupError when the reserved IP does not exist there, or the quota is used up.
        """
        ...

    async def release(self, cluster: str, service: str) -> None: ...

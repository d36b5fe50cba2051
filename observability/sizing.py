"""Memory requests by the number of players (the rule behind the table in docs/observability.md), and quotas.

The scheduler sets requests aside. Parts that hold more the more there is to watch grow with the players. Limits are
twice the requests, so that one part's bad day is not its neighbours'. A namespace's quota stops programs that go astray
and is wide enough for everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from common.namespaces import Quota


@dataclass(frozen=True)
class Memory:
    """Memory request of a part, in MiB."""

    base: int
    """Request without a player."""
    per_hundred_players: int = 0
    """Addition for each hundred players."""
    per_node: bool = False
    """Whether every node runs one."""

    def request(self, players: int) -> int:
        """MiB of one pod."""
        return self.base + -(-players * self.per_hundred_players // 100)


PARTS: Mapping[str, Memory] = {
    "prometheus": Memory(384, 128),
    "loki": Memory(320, 96),
    "loki-gateway": Memory(32),
    "fluentd": Memory(256, 32),
    "fluent-bit": Memory(64, per_node=True),
    "grafana": Memory(256),
    "kube-state-metrics": Memory(64, 16),
    "logging-operator": Memory(64),
    "alertmanager": Memory(48),
}


def total(players: int, nodes: int) -> int:
    """MiB that the whole stack asks for on a board of that many nodes, with one Loki and with Alertmanager."""
    return sum(part.request(players) * (nodes if part.per_node else 1) for part in PARTS.values())


PASSING: Final = 8
"""Pods that run once, and helpers beside the parts, for each of which a quota has room."""


def quota(pods: Mapping[str, int], players: int, *, volume_claims: int) -> Quota:
    """Quota of a namespace that has so many pods of each part.

    In a roll-out each may be there twice. A container that names no limit gets as much as the largest part may have.
    """
    largest = 2 * max(PARTS[part].request(players) for part in pods)
    together = sum(2 * PARTS[part].request(players) * many for part, many in pods.items())
    most = 2 * sum(pods.values()) + PASSING
    cores, scratch = 4, 2
    return Quota(
        pods=most,
        cpu=str(cores * (most + PASSING)),
        memory=f"{2 * together + PASSING * largest}Mi",
        storage=f"{scratch * (most + PASSING)}Gi",
        container_cpu=str(cores),
        container_memory=f"{largest}Mi",
        container_storage=f"{scratch}Gi",
        volume_claims=volume_claims,
    )


def resources(part: str, players: int, *, cpu: str = "50m") -> dict[str, dict[str, str]]:
    """Requests and limits of a part's pod, in Kubernetes' notation; of CPU the namespace's limit is enough for any."""
    memory = PARTS[part].request(players)
    return {"requests": {"cpu": cpu, "memory": f"{memory}Mi"}, "limits": {"memory": f"{2 * memory}Mi"}}

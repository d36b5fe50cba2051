"""How much memory each part asks for, by the number of players: the rule behind the table in docs/observability.md.

Requests are what the scheduler sets aside. A part that holds more the more there is to watch grows with the players;
the others do not. Limits are twice the requests, so that one part's bad day is not its neighbours'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """Memory that a part asks for, in MiB."""

    base: int
    """What it asks for without a player."""
    per_hundred_players: int = 0
    """What each hundred players add."""
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


def resources(part: str, players: int, *, cpu: str = "50m") -> dict[str, dict[str, str]]:
    """Requests and limits of a part's pod, in Kubernetes' notation; there is no limit of CPU, which only slows down."""
    memory = PARTS[part].request(players)
    return {"requests": {"cpu": cpu, "memory": f"{memory}Mi"}, "limits": {"memory": f"{2 * memory}Mi"}}

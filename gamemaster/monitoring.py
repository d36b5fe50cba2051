"""Monitoring of the game master: numbers of its disk, certificate, zone, backups and services, for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi

from common.settings import Settings
from gamemaster.host_files import host_file
from gamemaster.rancher import SERVICE_IP
from gamemaster.ssh_steps import Host

_METRICS: Final = ("metrics.sh", "metrics.service", "metrics.timer", "node-exporter.conf")


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """Arguments of the monitoring."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the script for the first boot, which must have ended."""
    settings: Settings


class Monitoring(pulumi.ComponentResource):
    """Debian's prometheus-node-exporter, and a timer that writes the game master's own numbers for the exporter."""

    answers: pulumi.Output[str]
    """Known once the exporter answers on the host."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Monitoring", name, None, opts)
        self.answers = args.host.run_script(
            f"{name}-setup",
            "monitoring",
            {
                **{file: host_file(file) for file in _METRICS},
                # Only where there is to be one, so that an absent Rancher alarms nobody.
                "rancher-url": f"http://{SERVICE_IP}/ping" if args.settings.rancher.enabled else "",
            },
            parent=self,
            after=args.booted,
        ).stdout
        self.register_outputs({"answers": self.answers})


@dataclass(frozen=True, kw_only=True)
class MetricsAccessArgs:
    """Arguments of a board's way to the numbers."""

    host: Host
    hardened: pulumi.Input[str]
    """Output of the hardening, which installs the packet filter."""
    board: str
    subnet: str
    """IPv4 network of the board's private network, from which its Prometheus calls."""


class MetricsAccess(pulumi.ComponentResource):
    """Packet filter's rule that lets one board's private network reach the exporter, until the board goes."""

    allowed: pulumi.Output[str]
    """Known once the rule is in force."""

    def __init__(self, name: str, args: MetricsAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:MetricsAccess", name, None, opts)
        self.allowed = args.host.run_script(
            f"{name}-setup",
            "metrics-access",
            {
                "board": args.board,
                "board.nft": f"add element inet shambhala boards {{ {args.subnet} }}\n",
            },
            parent=self,
            delete="metrics-access-delete",
            after=args.hardened,
        ).stdout
        self.register_outputs({"allowed": self.allowed})

"""K3s, the game master's own Kubernetes: one server, its API for this host only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi

from common.templates import render
from gamemaster.remote import Host, on_host

_TEMPLATES = Path(__file__).parent / "templates"

SERVICE_CIDR = "10.43.0.0/16"
"""Addresses of Services; K3s' own default, named since Rancher's address lies in it."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file to fetch, pinned."""

    url: str
    sha256: str
    """Of the file, in hexadecimal."""


@dataclass(frozen=True)
class _Configuration:
    snapshot_schedule: str
    snapshots_kept: int
    service_cidr: str


@dataclass(frozen=True, kw_only=True)
class KubernetesArgs:
    """Which K3s, where."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the first boot's step, which must have ended."""
    k3s: Download
    """The program."""
    snapshot_schedule: str = "17 */6 * * *"
    """When K3s saves its data (cron)."""
    snapshots_kept: int = 12


class Kubernetes(pulumi.ComponentResource):
    """A single-node K3s without ways in from the web, secrets encrypted, changes on record."""

    version: pulumi.Output[str]
    """What it calls itself, known once its node is ready."""
    datastore: pulumi.Output[str]
    """Which data it holds: the same after an upgrade, and on a new host that took up what was saved; another on a new
    host that began with nothing."""

    def __init__(self, name: str, args: KubernetesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Kubernetes", name, None, opts)
        step = args.host.step(
            f"{name}-k3s",
            "k3s",
            {
                "url": args.k3s.url,
                "sha256": args.k3s.sha256,
                "config.yaml": render(
                    _TEMPLATES / "k3s-config.yaml.j2",
                    _Configuration(args.snapshot_schedule, args.snapshots_kept, SERVICE_CIDR),
                ),
                "audit.yaml": on_host("k3s-audit.yaml"),
                "k3s.service": on_host("k3s.service"),
            },
            parent=self,
            after=args.booted,
        )
        self.version = step.stdout
        # A step of its own, once for each server: the preview of an upgrade then shows that what goes by it stays.
        self.datastore = args.host.step(f"{name}-datastore", "datastore", {}, parent=self, behind=step).stdout
        self.register_outputs({"version": self.version, "datastore": self.datastore})

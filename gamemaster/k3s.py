"""K3s, the game master's own Kubernetes: one server, whose API answers this host only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi

from common.settings import Sources
from gamemaster.host_files import host_file, rendered
from gamemaster.ssh_steps import Host

SERVICE_CIDR: Final = "10.43.0.0/16"
"""Addresses of Services: K3s's own default, set explicitly since the address of Rancher's Service lies in it."""
SNAPSHOT_SCHEDULE: Final = "17 */6 * * *"
"""When K3s takes a snapshot of etcd (cron)."""
SNAPSHOTS_KEPT: Final = 12


@dataclass(frozen=True)
class _Configuration:
    snapshot_schedule: str
    snapshots_kept: int
    service_cidr: str


@dataclass(frozen=True, kw_only=True)
class K3sArgs:
    """Arguments of K3s."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the script for the first boot, which must have ended."""
    sources: Sources
    """The section with K3s's URL and SHA-256."""


class K3s(pulumi.ComponentResource):
    """A single-node K3s that the web does not reach, with encrypted Secrets and an audit log."""

    version: pulumi.Output[str]
    """Version that K3s reports, known once its node is ready."""
    datastore: pulumi.Output[str]
    """Identity of K3s's data: the same after an upgrade and on a new host that was restored from a backup; another one
    on a new host without a backup."""

    def __init__(self, name: str, args: K3sArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:K3s", name, None, opts)
        script = args.host.run_script(
            f"{name}-setup",
            "k3s",
            {
                "url": args.sources.k3s_url,
                "sha256": args.sources.k3s_sha256,
                "config.yaml": rendered(
                    "k3s-config.yaml.j2", _Configuration(SNAPSHOT_SCHEDULE, SNAPSHOTS_KEPT, SERVICE_CIDR)
                ),
                "audit.yaml": host_file("k3s-audit.yaml"),
                "k3s.service": host_file("k3s.service"),
            },
            parent=self,
            after=args.booted,
        )
        self.version = script.stdout
        # A script of its own that runs once for each Instance: the preview of an upgrade then shows that whatever
        # depends on the datastore stays.
        self.datastore = args.host.run_script(
            f"{name}-datastore", "k3s-datastore", {}, parent=self, depends_on=script
        ).stdout
        self.register_outputs({"version": self.version, "datastore": self.datastore})

"""Nightly backup of the game master by a systemd timer."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from common.settings import Operators
from gamemaster.host_files import host_file, script_text
from gamemaster.ssh_steps import Host


@dataclass(frozen=True, kw_only=True)
class NightlyBackupArgs:
    """Arguments of the nightly backup."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the script for the first boot, which must have ended."""
    operators: Operators
    """The section with the SSH key whose private half decrypts the backups."""


class NightlyBackup(pulumi.ComponentResource):
    """A backup every night in /var/backups/shambhala, encrypted with age to the operators' SSH key."""

    scheduled: pulumi.Output[str]
    """Known once the timer is active."""

    def __init__(self, name: str, args: NightlyBackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:NightlyBackup", name, None, opts)
        self.scheduled = args.host.run_script(
            f"{name}-setup",
            "nightly-backup",
            {
                "recipients": f"{args.operators.ssh_public_key}\n",
                "backup": script_text("backup"),
                "encrypted-backup": host_file("encrypted-backup.sh"),
                "nightly-backup.service": host_file("nightly-backup.service"),
                "nightly-backup.timer": host_file("nightly-backup.timer"),
            },
            parent=self,
            after=args.booted,
        ).stdout
        self.register_outputs({"scheduled": self.scheduled})

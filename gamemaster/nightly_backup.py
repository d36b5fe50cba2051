"""Nightly backup of the game master by a systemd timer."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from common.settings import Settings
from gamemaster.host_files import host_file, script_text
from gamemaster.ssh_steps import Host


@dataclass(frozen=True, kw_only=True)
class NightlyBackupArgs:
    """Arguments of the nightly backup."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the script for the first boot, which must have ended."""
    settings: Settings
    """The settings with the bucket, and with the operators' SSH key, whose private half decrypts the backups."""


class NightlyBackup(pulumi.ComponentResource):
    """A backup every night, encrypted with age to the operators' SSH key, on the Instance and in a bucket."""

    scheduled: pulumi.Output[str]
    """Known once the timer is active."""

    def __init__(self, name: str, args: NightlyBackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:NightlyBackup", name, None, opts)
        self.scheduled = args.host.run_script(
            f"{name}-setup",
            "nightly-backup",
            {
                "recipients": f"{args.settings.operators.ssh_public_key}\n",
                **_bucket(args.settings),
                "backup": script_text("backup"),
                "encrypted-backup": host_file("encrypted-backup.sh"),
                "nightly-backup.service": host_file("nightly-backup.service"),
                "nightly-backup.timer": host_file("nightly-backup.timer"),
            },
            parent=self,
            after=args.booted,
        ).stdout
        self.register_outputs({"scheduled": self.scheduled})


def _bucket(settings: Settings) -> dict[str, pulumi.Input[str]]:
    """The bucket's URL with the environment as a folder, and curl's configuration for the signature (AWS SigV4)."""
    bucket = settings.gamemaster.backup_bucket
    if bucket is None:
        return {"bucket-url": "", "bucket-credentials": ""}
    return {
        "bucket-url": f"https://{bucket.bucket}.{bucket.endpoint}/{settings.environment}",
        "bucket-credentials": pulumi.Output.secret(
            f'aws-sigv4 = "aws:amz:{bucket.region}:s3"\nuser = "{bucket.access_key.value}:{bucket.secret_key.value}"\n'
        ),
    }

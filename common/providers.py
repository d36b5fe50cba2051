"""Providers of Scaleway and of SSH commands."""

from __future__ import annotations

import os
import socket

import pulumi
import pulumi_command
import pulumiverse_scaleway

from common.settings import Scaleway


def scaleway(account: Scaleway) -> pulumiverse_scaleway.Provider:
    """Provider of Scaleway's resources, with the account's keys, region and zone."""
    return pulumiverse_scaleway.Provider(
        "scaleway",
        access_key=account.access_key.output,
        secret_key=account.secret_key.output,
        project_id=account.project_id,
        organization_id=account.organization_id,
        region=account.region,
        zone=account.zone,
        api_url=account.api_url,
    )


class SshAgentError(pulumi.RunError):
    """SSH_AUTH_SOCK without an agent that answers; the text names the command that helps."""


def ssh() -> pulumi_command.Provider:
    """Provider of commands over SSH.

    Raises SshAgentError where SSH_AUTH_SOCK names an agent that does not answer: no step needs one, but the plugin asks
    it before each and fails (pulumi-command 1.2.1, remote/connection.go), and no argument keeps it from that.
    """
    if path := os.environ.get("SSH_AUTH_SOCK"):
        with socket.socket(socket.AF_UNIX) as agent:
            try:
                agent.connect(path)
            except OSError as error:
                raise SshAgentError(
                    f"SSH_AUTH_SOCK is {path}, where no SSH agent answers ({error.strerror or error}): each step on "
                    "the game master would fail. None of them needs an agent; run 'unset SSH_AUTH_SOCK', then the same "
                    "command again."
                ) from error
    return pulumi_command.Provider("ssh")

"""SSH connection to the game master, and the scripts that run over it.

A script from `scripts/` is run by the host's bash. Script and inputs travel by standard input: the command is one short
line, since the plugin puts the command into each of its errors, and no setting and no secret is ever part of a command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_command import remote
from pulumiverse_scaleway import instance

from common.settings import Settings
from gamemaster.host_files import script_text

_DIAL_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Host:
    """The machine on which scripts run."""

    ip: pulumi.Input[str]
    """Public IPv4 address."""
    server: instance.Server
    """The Instance: another one gets every script again, and the deletion of the Instance runs no script."""
    settings: Settings
    """The settings with the operators' private key, the pinned host key and the limit for a boot."""

    def run_script(
        self,
        name: str,
        script: str,
        inputs: Mapping[str, pulumi.Input[str]],
        *,
        parent: pulumi.Resource,
        delete: str | None = None,
        triggers: Sequence[str] = (),
        after: pulumi.Input[str] | None = None,
        depends_on: pulumi.Resource | None = None,
    ) -> remote.Command:
        """Run `scripts/<script>.sh` whenever the script or one of the inputs changed.

        inputs: name to text; each is a file $INPUTS/<name> while the script runs.
        delete: script that runs with the same inputs when the resource is deleted.
        triggers: identity of what is made; another identity deletes the resource and creates a new one.
        after: output of a script that must have ended before; another output runs this script again.
        depends_on: resource whose script must have ended before, where this script shall not run again with it.
        """
        own = self.settings
        return remote.Command(
            name,
            connection=remote.ConnectionArgs(
                host=self.ip,
                user="root",
                private_key=own.operators.ssh_private_key.output,
                host_key=own.gamemaster.host_key.public,
                # A refused connection returns at once and is tried again, after 5 seconds at most: enough for a boot,
                # and for each script's turn at a stock sshd, which refuses some callers while more than ten have not
                # logged in yet (MaxStartups). So nobody has to count the scripts that begin at once.
                dial_error_limit=max(1, own.gamemaster.boot_timeout_seconds // _DIAL_SECONDS),
                per_dial_timeout=_DIAL_SECONDS,
            ),
            create=command(script),
            delete=command(delete) if delete else None,
            # One document for both. The whole document is a secret: a preview then shows a change in one line.
            stdin=pulumi.Output.secret(
                pulumi.Output.concat(program(script, delete), pulumi.Output.json_dumps(dict(inputs)))
            ),
            # Stock sshd accepts no environment from a client.
            add_previous_output_in_env=False,
            triggers=[self.server.id, *triggers, *([] if after is None else [after])],
            opts=pulumi.ResourceOptions(
                parent=parent, depends_on=depends_on, delete_before_replace=True, deleted_with=self.server
            ),
        )


def command(script: str) -> str:
    """Command line for the host's shell."""
    return f"bash -s {script}"


def program(script: str, delete: str | None = None) -> str:
    """Standard input of `command`: the script and the one for the deletion as functions. The inputs (JSON) follow.

    The call stands in the last line: bash runs nothing of a document that was cut. bash reads its standard input no
    further than to that line's end (POSIX, `sh -s`), so that the script finds the inputs there.
    """
    incomplete = "trap 'echo \"$1: the script did not arrive whole, and nothing was changed.\" >&2; exit 1' EXIT"
    functions = {"common": "common", **{f"script-{each}": each for each in (script, delete) if each}}
    parts = [f"{name}() {{\n{script_text(file)}}}" for name, file in functions.items()]
    return "\n".join([incomplete, *parts, 'common "$1"; "script-$1"; exit', ""])

"""Steps on the game master over SSH; the only module that knows how they get there.

A step is a role's script from `scripts/`, run by the host's bash, with its inputs on standard
input: nothing that an operator configured, and no secret, is ever part of a command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_command import remote
from pulumiverse_scaleway import instance

_SCRIPTS = Path(__file__).parent / "scripts"
_FILES = Path(__file__).parent / "files"
_DIAL_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Host:
    """The machine that steps run on, and how to reach it."""

    ip: pulumi.Input[str]
    """Public IPv4 address."""
    private_key: pulumi.Input[str]
    """The operators' private SSH key (OpenSSH format)."""
    host_key: pulumi.Input[str]
    """The host's public SSH key; a machine that shows another is refused."""
    server: instance.Server
    """A replaced server gets every step again, and takes its steps with it when it goes."""
    boot_timeout: int
    """Seconds that a machine may take until SSH answers."""

    def step(
        self,
        name: str,
        role: str,
        inputs: Mapping[str, pulumi.Input[str]],
        *,
        parent: pulumi.Resource,
        undo: str | None = None,
        about: Sequence[str] = (),
        after: pulumi.Input[str] | None = None,
        behind: pulumi.Resource | None = None,
    ) -> remote.Command:
        """Run `scripts/<role>.sh` whenever one of its inputs changed.

        inputs: name to text; each is a file $INPUTS/<name> while the script runs.
        undo: role of the script that takes the step back, with the same inputs.
        about: what it is that is made; for another, the step is taken back and done anew.
        after: an output of the step that must have ended before; another output runs this one again.
        behind: a step that must have ended before, and whatever it printed is nothing to this one.
        """
        document = pulumi.Output.json_dumps({"inputs": dict(inputs)})
        return remote.Command(
            name,
            connection=remote.ConnectionArgs(
                host=self.ip,
                user="root",
                private_key=self.private_key,
                host_key=self.host_key,
                # A refused connection returns at once and is tried again, after 5 seconds at most: enough for a boot,
                # and for each step's turn at a stock sshd, which refuses some callers while more than ten have not
                # logged in yet (MaxStartups). So nobody has to count the steps that begin at once.
                dial_error_limit=max(1, self.boot_timeout // _DIAL_SECONDS),
                per_dial_timeout=_DIAL_SECONDS,
            ),
            create=script(role),
            delete=script(undo) if undo else None,
            stdin=document,
            # Stock sshd accepts no environment from a client.
            add_previous_output_in_env=False,
            triggers=[self.server.id, *about, *([] if after is None else [after])],
            opts=pulumi.ResourceOptions(
                parent=parent, depends_on=behind, delete_before_replace=True, deleted_with=self.server
            ),
        )


def script(role: str) -> str:
    """The text of a role's script, after the few functions that all roles share."""
    return "\n".join((_SCRIPTS / f"{part}.sh").read_text() for part in ("common", role))


def on_host(file: str) -> str:
    """The text of a file that a role puts on the host as it is: a program, a unit, a configuration."""
    return (_FILES / file).read_text()

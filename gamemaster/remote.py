"""Steps on the game master over SSH; the only module that knows how they get there.

A step is a role's script from `scripts/`, run by the host's bash. Script and inputs travel by standard input: the
command is one short line, since the plugin puts it into each of its errors, and nothing that an operator configured,
and no secret, is ever part of it.
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
        """Run `scripts/<role>.sh` whenever the script or one of its inputs changed.

        inputs: name to text; each is a file $INPUTS/<name> while the script runs.
        undo: role of the script that takes the step back, with the same inputs.
        about: what it is that is made; for another, the step is taken back and done anew.
        after: an output of the step that must have ended before; another output runs this one again.
        behind: a step that must have ended before, and whatever it printed is nothing to this one.
        """
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
            create=command(role),
            delete=command(undo) if undo else None,
            # One document for both. A secret, whatever is in it: a preview then names it in a line.
            stdin=pulumi.Output.secret(
                pulumi.Output.concat(program(role, undo), pulumi.Output.json_dumps(dict(inputs)))
            ),
            # Stock sshd accepts no environment from a client.
            add_previous_output_in_env=False,
            triggers=[self.server.id, *about, *([] if after is None else [after])],
            opts=pulumi.ResourceOptions(
                parent=parent, depends_on=behind, delete_before_replace=True, deleted_with=self.server
            ),
        )


def command(role: str) -> str:
    """What the host's shell is given."""
    return f"bash -s {role}"


def program(role: str, undo: str | None = None) -> str:
    """The scripts of a role and of the one that takes it back, for `command` to choose from; the inputs (JSON) follow.

    Functions, and the call in the last line: of a document that was cut, bash runs nothing. It reads its standard input
    no further than to that line's end (POSIX, `sh -s`), so that what it calls finds the rest.
    """
    incomplete = "trap 'echo \"$1: the step did not arrive whole, and nothing was changed.\" >&2; exit 1' EXIT"
    functions = {"shared": "common", **{f"role-{each}": each for each in (role, undo) if each}}
    parts = [f"{name}() {{\n{(_SCRIPTS / f'{file}.sh').read_text()}}}" for name, file in functions.items()]
    return "\n".join([incomplete, *parts, 'shared "$1"; "role-$1"; exit', ""])


def on_host(file: str) -> str:
    """The text of a file that a role puts on the host as it is: a program, a unit, a configuration."""
    return (_FILES / file).read_text()

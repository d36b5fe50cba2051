"""Saves what a new game master could not make by itself, and puts it onto one.

    python -m gamemaster.backup save STACK FILE
    python -m gamemaster.backup restore STACK FILE

Saved are the zone with its keys, the ACME account with the certificates, and what K3s holds. The file holds
secrets: it is written for its owner alone; keep it encrypted. docs/backup.md says how to begin anew after a loss.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from common.settings import SettingsError, parse
from common.stack import PROJECT, EngineError, Stack

SCRIPTS: Final = Path(__file__).parent / "scripts"
MINUTES: Final = 30


class BackupError(Exception):
    """It was not saved, or not restored; the text says why and what to do."""


@dataclass(frozen=True)
class Login:
    """How a game master is reached."""

    ip: str
    host_key: str
    private_key: str = field(repr=False)

    @classmethod
    def of_stack(cls, stack: Stack) -> Login:
        """The login that a stack's settings and outputs tell."""
        settings = parse(stack.read(), stack.name)
        ip = stack.outputs().get("game_master_ip")
        if not ip:
            raise BackupError(f"the stack {stack.name} has no game master; run 'pulumi up --stack {stack.name}' first")
        return cls(ip, settings.gamemaster.host_key.public, settings.operators.ssh_private_key.value)


def save(login: Login, file: Path) -> None:
    """Write a new archive in place of an older one. Raises BackupError; the older one then stays as it was."""
    partial = file.with_name(f"{file.name}.part")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            _ssh(login, "backup", stdout=out)
        partial.replace(file)
    except OSError as error:
        raise BackupError(f"{partial} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def restore(login: Login, file: Path) -> None:
    """Put an archive onto a new host, once its first boot is over. Raises BackupError."""
    try:
        with file.open("rb") as archive:
            _ssh(login, "restore", stdin=archive)
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}") from error


def _ssh(
    login: Login,
    script: str,
    *,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        known, key = Path(folder, "known_hosts"), Path(folder, "key")
        known.write_text(f"{login.ip} {login.host_key}\n")
        key.touch(mode=0o600)
        key.write_text(login.private_key.rstrip("\n") + "\n")
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "20",
            # A new host refuses connections for a while: one try a second.
            "ConnectionAttempts": "120",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(known),
            "GlobalKnownHostsFile": "/dev/null",
        }
        command = ["ssh", "-F", "none", "-i", str(key), *(f"-o{name}={value}" for name, value in options.items())]
        try:
            done = subprocess.run(
                [*command, f"root@{login.ip}", (SCRIPTS / f"{script}.sh").read_text()],
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                check=False,
                timeout=MINUTES * 60,
            )
        except FileNotFoundError as error:
            raise BackupError("there is no program 'ssh' on PATH; install OpenSSH's client") from error
        except subprocess.TimeoutExpired as error:
            raise BackupError(f"{login.ip} took longer than {MINUTES} minutes; run it again") from error
    if done.returncode:
        raise BackupError(done.stderr.decode(errors="replace").strip() or f"ssh ended with {done.returncode}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Gives 0 when it is done, 1 when it failed."""
    parser = argparse.ArgumentParser(
        prog="python -m gamemaster.backup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("save", "restore"))
    parser.add_argument("stack", help="the environment's stack")
    parser.add_argument("file", type=Path, help="the archive")
    parser.add_argument("--project", metavar="FOLDER", type=Path, default=PROJECT, help="folder with Pulumi.yaml")
    parser.add_argument("--pulumi", metavar="PROGRAM", default="pulumi", help="the engine; by default the one on PATH")
    options = parser.parse_args(arguments)
    try:
        login = Login.of_stack(Stack(options.stack, options.project, options.pulumi))
        (save if options.what == "save" else restore)(login, options.file)
    except (BackupError, EngineError, SettingsError) as error:
        print(f"The {options.what} failed: {error}", file=sys.stderr)
        return 1
    print(f"The {options.what} is done: {options.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

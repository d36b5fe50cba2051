"""Saves what a new game master could not make by itself, and puts it onto one.

Saved are the zone with its keys, the ACME account with the certificates, and what K3s holds. The file holds
secrets: it is written for its owner alone; keep it encrypted. docs/backup.md says how to begin anew after a loss.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.stack import PROJECT, Stack
from common.settings import parse

SCRIPTS: Final = PROJECT / "gamemaster" / "scripts"
ArchiveFile = Annotated[Path, typer.Argument(metavar="FILE", help="The archive; it holds secrets.")]
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


def save_archive(login: Login, file: Path) -> None:
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


def restore_archive(login: Login, file: Path) -> None:
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


def backup(
    stack: StackName,
    file: ArchiveFile,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Save what a new game master could not make by itself (docs/backup.md)."""
    save_archive(Login.of_stack(Stack(stack, project, pulumi)), file)
    print(f"Saved: {file}")
    return 0


def restore(
    stack: StackName,
    file: ArchiveFile,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Put what was saved onto a new game master (docs/backup.md)."""
    restore_archive(Login.of_stack(Stack(stack, project, pulumi)), file)
    print(f"Restored: {file}")
    return 0

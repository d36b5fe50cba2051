"""Commands `backup` and `restore`: an archive of the data that a new game master could not make by itself.

The zone with its keys, the ACME account with the certificates, and K3s's data. The archive holds secrets: it is written
for its owner alone; keep it encrypted. docs/backup.md says how to begin anew after a loss.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.stack import PROJECT, Stack
from common.settings import parse

SCRIPTS: Final = PROJECT / "gamemaster" / "scripts"
ArchiveFile = Annotated[Path, typer.Argument(metavar="FILE", help="Archive to read; it holds secrets.")]
NewArchive = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="Archive to write; by default a new one in ~/.local/share/shambhala/backups."),
]
MINUTES: Final = 30
AGE_HEADER: Final = b"age-encryption.org/v1"
"""First bytes of a file that is encrypted with age (https://age-encryption.org/v1)."""
TRIES: Final = 3
"""How often a game master that is up is called before it counts as silent."""
TRIES_OF_A_BOOT: Final = 120
"""A new host refuses connections for a while: one try a second."""


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
        settings = parse(stack.read(), stack.short_name)
        ip = stack.outputs().get("game_master_ip")
        if not ip:
            raise BackupError(f"the stack {stack.name} has no game master; run 'pulumi up --stack {stack.name}' first")
        return cls(ip, settings.gamemaster.host_key.public, settings.operators.ssh_private_key.value)


def new_archive(stack: str) -> Path:
    """Where the next archive of a stack goes, in a folder outside of any clone: $XDG_DATA_HOME/shambhala/backups."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    # A stack's full name has its organisation and project before it.
    folder = Path(base, "shambhala", "backups")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{folder} cannot be made: {error.strerror}; name another place with FILE=…") from error
    return folder / f"backup-{stack.replace('/', '-')}-{time}.tar.gz"


def save_archive(login: Login, file: Path) -> None:
    """Write a new archive in place of an older one. Raises BackupError; the older one then stays as it was."""
    partial = file.with_name(f"{file.name}.part")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            _ssh(login, "backup", tries=TRIES, stdout=out)
        partial.replace(file)
    except OSError as error:
        raise BackupError(f"{partial} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def restore_archive(login: Login, file: Path) -> None:
    """Put an archive onto a new host, once its first boot is over. Raises BackupError.

    A nightly backup, which is encrypted to the operators' key, is decrypted with that key first.
    """
    try:
        # Read apart: ssh begins where the file's descriptor stands, which is behind what was read ahead.
        with file.open("rb") as archive:
            encrypted = archive.read(len(AGE_HEADER)) == AGE_HEADER
        with tempfile.TemporaryDirectory() as folder:
            plain = _decrypted(login, file, Path(folder)) if encrypted else file
            with plain.open("rb") as archive:
                _ssh(login, "restore", tries=TRIES_OF_A_BOOT, stdin=archive)
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}") from error


def _decrypted(login: Login, file: Path, folder: Path) -> Path:
    """A nightly backup in plain text, in a folder of its owner's alone. Raises BackupError."""
    key, plain = folder / "key", folder / "archive.tar.gz"
    key.touch(mode=0o600)
    key.write_text(login.private_key.rstrip("\n") + "\n")
    command = ["age", "--decrypt", "--identity", str(key), "--output", str(plain), str(file)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BackupError(
            f"{file} is encrypted, and there is no program 'age' on PATH; install it (Debian's package age)"
        ) from error
    if done.returncode:
        raise BackupError(
            f"{file} does not open with operators.sshPrivateKey: {done.stderr.strip().splitlines()[0]}. A backup opens "
            "with the key of its night: set that one, or decrypt the file by hand (docs/backup.md)"
        )
    return plain


def _ssh(
    login: Login,
    script: str,
    *,
    tries: int,
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
            "ConnectionAttempts": str(tries),
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
    file: NewArchive = None,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Save the game master: zone, DNSSEC keys, certificates and Rancher's data (docs/backup.md)."""
    archive = file or new_archive(stack)
    save_archive(Login.of_stack(Stack(stack, project, pulumi)), archive)
    print(f"Saved: {archive}")
    return 0


def restore(
    stack: StackName,
    file: ArchiveFile,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Put a backup onto a new game master (docs/backup.md)."""
    restore_archive(Login.of_stack(Stack(stack, project, pulumi)), file)
    print(f"Restored: {file}")
    return 0

"""One rehearsal: its name, its folders and the slice of loopback that is its own.

Several rehearsals may stand at once. Each claims a *slot*, a number from 10 to 250, and with it
the addresses 127.<slot>.0.0/16 and the networks 10.<slot>.0.0/16, so that no two on one machine,
whoever raised them, ever share a port, a subnet or a file.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Network
from pathlib import Path

DEFAULT_NAME = "rehearsal"
SLOTS = range(10, 251)
SHARED = Path("/run/shambhala")
"""What all rehearsals on this machine share; a reboot empties it together with the processes that it tells of."""
NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")


class SessionError(Exception):
    """A rehearsal cannot be opened or claimed; the text says what to do."""


class Block(IntEnum):
    """What the third byte of a rehearsal's loopback address stands for."""

    SERVICES = 0
    INSTANCES = 1
    CONTROL_PLANES = 2
    LOAD_BALANCERS = 3
    GATEWAYS = 4


class Service(IntEnum):
    """What the fourth byte stands for in the block of services."""

    SCALEWAY_API = 1
    CHARTS = 2
    RANCHER = 3
    ACME = 4
    IMAGES = 5


def make(target: str, name: str) -> str:
    """The command that runs a target of the Makefile for a rehearsal, ready to be typed."""
    return f"make {target}" if name == DEFAULT_NAME else f"make {target} NAME={name}"


def state_home() -> Path:
    """Where rehearsals keep what must survive a crash: $XDG_STATE_HOME/shambhala/rehearsals."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "shambhala" / "rehearsals"


@dataclass(frozen=True)
class Session:
    """An open rehearsal.

    name: what the operator calls it; also its label on containers and networks.
    home: the folder that holds everything it wrote; gone once it has been taken down.
    slot: its number; no other rehearsal of this user has it.
    """

    name: str
    home: Path
    slot: int

    def address(self, block: Block, host: int) -> str:
        """The loopback address of one member (1 to 254) of a block."""
        if not 1 <= host <= 254:
            raise SessionError(f"{block.name} has no address number {host}: a rehearsal has 254 of each kind.")
        return f"127.{self.slot}.{int(block)}.{host}"

    @property
    def private_range(self) -> IPv4Network:
        """The range from which this rehearsal's private networks take their subnets."""
        return IPv4Network(f"10.{self.slot}.0.0/16")

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def label(self) -> str:
        """The Docker label (key=value) on everything that this rehearsal makes there."""
        return f"shambhala.rehearsal={self.name}"


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def at_work(name: str) -> Generator[None]:
    """Keep every other command off a rehearsal meanwhile: one that raises and one that removes would both go wrong.

    Raises SessionError where another is at work on it, or for a name that cannot be one.
    """
    _check(name)
    # Beside the rehearsal's folder, which goes at its end.
    (SHARED / "at-work").mkdir(parents=True, exist_ok=True)
    with (SHARED / "at-work" / name).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise SessionError(
                f"Process {lock.read()} is at work on the rehearsal {name!r}: wait until it has ended."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def sessions() -> list[Session]:
    """Every rehearsal of this user that has not been taken down, by name."""
    found: list[Session] = []
    for file in sorted(state_home().glob("*/run.json")):
        found.append(Session(name=file.parent.name, home=file.parent, slot=int(json.loads(file.read_text())["slot"])))
    return found


def _claims() -> dict[Path, int]:
    """Home to slot of every rehearsal that stands on this machine, whoever's it is."""
    standing = {session.home: session.slot for session in sessions()}
    for file in (SHARED / "slots").iterdir():
        home = Path(file.read_text())
        if (home / "run.json").exists():
            standing[home] = int(file.name)
    return standing


def find(name: str) -> Session | None:
    """The rehearsal of that name, or None."""
    return next((session for session in sessions() if session.name == name), None)


def claim(name: str) -> Session:
    """The rehearsal of that name, made if there is none.

    Raises SessionError for a name that cannot be one or that another folder's rehearsal has, when every
    slot is taken, and for anybody but root, who alone can keep machines.
    """
    if os.geteuid() != 0:
        raise SessionError("A rehearsal needs root: its Instances are containers with a real init. Run it with sudo.")
    _check(name)
    with _locked(SHARED / "slots"):
        session = find(name) or _new(name)
        (SHARED / "slots" / str(session.slot)).write_text(str(session.home))
        return session


def _check(name: str) -> None:
    if not NAME.fullmatch(name):
        raise SessionError(
            f"{name!r} cannot name a rehearsal: a small letter, then up to 19 small letters, digits or hyphens."
        )


def _new(name: str) -> Session:
    standing = _claims()
    namesake = next((home for home in standing if home.name == name), None)
    if namesake:
        raise SessionError(f"A rehearsal {name!r} stands already, kept in {namesake}: choose another with NAME=….")
    free = next((slot for slot in SLOTS if slot not in standing.values()), None)
    if free is None:
        raise SessionError("All slots are taken: take a rehearsal down with 'make rehearse-down NAME=…' first.")
    home = state_home() / name
    (home / "logs").mkdir(parents=True, mode=0o700)
    (home / "run.json").write_text(json.dumps({"slot": free}))
    return Session(name=name, home=home, slot=free)


def release(session: Session) -> None:
    """Give the slot back and delete the rehearsal's folder."""
    with _locked(SHARED / "slots"):
        shutil.rmtree(session.home, ignore_errors=False)
        (SHARED / "slots" / str(session.slot)).unlink(missing_ok=True)

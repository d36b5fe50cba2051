"""The folder in the user's cache that holds what was downloaded or built.

An entry is a folder whose name says what went into it. It is filled beside and renamed as a whole
under a lock, so that whoever finds it finds all of it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.toolchain.tools import Progress, ToolchainError


def home() -> Path:
    """$XDG_CACHE_HOME/shambhala/toolchain."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "shambhala" / "toolchain"


def entry(name: str) -> Path:
    """Where the entry of that name is, or would be."""
    return home() / name


def fill(name: str, make: Callable[[Path], None], progress: Progress) -> Path:
    """The entry of that name, made by `make` in the empty folder it is given, unless it is there.

    A second process that wants the same entry waits for the first. What an interrupted one left
    behind is thrown away. Raises ToolchainError when the disk is full or cannot be written.
    """
    folder = entry(name)
    try:
        with _locked(name, progress):
            if not folder.exists():
                fresh = home() / f".{name}.fresh"
                shutil.rmtree(fresh, ignore_errors=True)
                fresh.mkdir(parents=True)
                try:
                    make(fresh)
                    fresh.rename(folder)
                finally:
                    shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        # shutil gathers the errors of many files in one that has no number.
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error):
            raise disk_full() from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ToolchainError(
                f"{error.filename} cannot be written ({error.strerror}): set XDG_CACHE_HOME to a folder of yours."
            ) from error
        raise
    return folder


def disk_full() -> ToolchainError:
    """What to say when there is no room for an entry."""
    free = shutil.disk_usage(_existing(home())).free / 1e9
    return ToolchainError(
        f"The disk is full: {free:.1f} GB are free at {home()}. The tool chain needs 1 GB there and Go's caches 8 GB: "
        "make room (`go clean -cache` empties Go's), or set XDG_CACHE_HOME, GOCACHE and GOMODCACHE to a larger disk."
    )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


@contextmanager
def _locked(name: str, progress: Progress) -> Generator[None]:
    home().mkdir(parents=True, exist_ok=True)
    with (home() / f".{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another process that is making {name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""Files of the guard: pipelines, secrets, and the signatures that Drone makes of the pipelines."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..pipeline_catalogue import SIGNATURES, PipelinesError, load, load_signatures
from .answer import Guard

SHORTEST_SECRET: Final = 32
"""Bytes of a secret: a key as long as the digest, as RFC 2104 (section 3) advises."""


class GuardFiles:
    """Contents of the files, the signatures read again when their file has changed.

    Drone makes the signatures once the guard's pipelines are known, so they arrive after the guard has started.
    """

    def __init__(self, pipelines: Path, secrets: Path, signatures: Path) -> None:
        """Raises PipelinesError for files that are not fit to be served."""
        self._signatures = signatures / SIGNATURES
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        config, validate, ended = (_secret(secrets / name) for name in ("config", "validate", "ended"))
        self._guard = Guard(load(pipelines), {}, config, validate, ended)
        if len({config, validate, ended}) < 3:
            raise PipelinesError("two secrets are the same; the second lock would open with the first one's key")

    def guard(self) -> Guard:
        """Raises PipelinesError while the signatures' file cannot be read: then nothing is served."""
        with self._lock:
            try:
                state = self._signatures.stat()
                seen = (state.st_mtime_ns, state.st_ino)
            except FileNotFoundError:
                seen = None
            if seen != self._seen:
                found = load_signatures(self._signatures, self._guard.catalogue)
                self._guard = replace(self._guard, signatures=found)
                self._seen = seen
            return self._guard


def _secret(file: Path) -> bytes:
    try:
        value = file.read_bytes().strip()
    except OSError as error:
        raise PipelinesError(f"the secret {file.name} cannot be read") from error
    if len(value) < SHORTEST_SECRET:
        raise PipelinesError(f"the secret {file.name} must have {SHORTEST_SECRET} characters or more")
    return value

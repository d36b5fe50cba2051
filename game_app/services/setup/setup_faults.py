"""Faults of the set-up: what a service refused, while everything else goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager


class SetupError(Exception):
    """A service refused or did not answer; the text names the request and the answer, and no secret."""


class Faults:
    """Refusals of a run that went on all the same."""

    def __init__(self) -> None:
        self._noted: list[str] = []

    @contextmanager
    def noted(self, what: str) -> Generator[None]:
        """Go on after a SetupError in here. what: kind and name of the thing that could not be made."""
        try:
            yield
        except SetupError as error:
            self._noted.append(f"{what}: {error}")

    def raise_all(self) -> None:
        """Raise SetupError with everything that was refused, if anything was."""
        if self._noted:
            raise SetupError(f"{len(self._noted)} refused; everything else is as planned. {'; '.join(self._noted)}")


def wait_for(what: str, ready: Callable[[], object], seconds: float) -> None:
    """Wait until something is ready. Raises SetupError with its last complaint when it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ready()
        except SetupError as error:
            if time.monotonic() > deadline:
                raise SetupError(f"{what} was not ready after {seconds:.0f} seconds. Last: {error}") from error
            time.sleep(0.5)
        else:
            return

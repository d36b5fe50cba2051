"""Faults of the set-up: what a service refused, while everything else goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager


class SetupError(Exception):
    """A service refused or did not answer; the text names the request and the answer, and no secret."""


class Faults:
    """Refusals of one run, which went on all the same."""

    def __init__(self) -> None:
        self._noted: dict[str, str] = {}

    @property
    def things(self) -> Collection[str]:
        """Kind and name of each thing that could not be made."""
        return self._noted.keys()

    @contextmanager
    def noted(self, thing: str) -> Generator[None]:
        """Go on after a refusal in here, or an unforeseen answer. thing: kind and name of what could not be made."""
        try:
            yield
        except SetupError as error:
            self._noted[thing] = str(error)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            self._noted[thing] = f"an answer is not as expected ({type(error).__name__}: {error})"

    def raise_all(self) -> None:
        """Raise SetupError with everything that was refused, if anything was."""
        if self._noted:
            told = "; ".join(f"{thing}: {reason}" for thing, reason in self._noted.items())
            raise SetupError(f"{len(self._noted)} refused; everything else is as planned. {told}")


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

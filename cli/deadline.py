"""Work with a time limit: an answer that never comes must not hold a command up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Running(Generic[T]):
    """Work that runs beside others from now on."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None
        # A daemon, for the process does not wait for it: neither the SDK nor a socket can be told to stop.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self, seconds: float) -> T:
        """What came of it. Raises TimeoutError if it has not ended so many seconds from now, or what it raised."""
        self._thread.join(max(seconds, 0))
        if self._error is not None:
            raise self._error
        if not self._result:
            raise TimeoutError
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:
            self._error = error


def within(seconds: float, work: Callable[[], T]) -> T:
    """What came of some work. Raises TimeoutError when it takes longer, or what it raised."""
    return Running(work).result(seconds)

"""Reader of a socket with a deadline and a limit of bytes, for both ends of HTTP.

A socket's own timeout begins anew with each byte, so that whoever sends one now and then is never done.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPException
from typing import Any


class Deadline:
    """Point in time after which nobody is waited for."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises TimeoutError when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the deadline has passed")
        return seconds


class TooLongError(HTTPException):
    """More was sent than is read."""


class BoundedReader(io.RawIOBase):
    """Bytes of a connection, until a deadline and up to a limit. Raises TimeoutError and TooLongError beyond them."""

    def __init__(self, connection: socket.socket, deadline: Deadline, limit: int) -> None:
        self._connection = connection
        # The connection stays open until this is closed, too.
        self._raw = connection.makefile("rb", buffering=0)
        self._deadline = deadline
        self._left = limit

    def extend(self, size: int) -> None:
        """Let as many bytes more be read."""
        self._left += size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._connection.settimeout(self._deadline.left())
        # One byte more than the limit tells that there is more.
        size = self._raw.readinto(memoryview(buffer)[: self._left + 1])
        self._left -= size or 0
        if self._left < 0:
            raise TooLongError("more was sent than is read")
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()

"""Ctrl-C where it must wait, and where it may come."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Generator


@contextlib.contextmanager
def uninterrupted() -> Generator[None]:
    """Ignores Ctrl-C, in the programs that are started meanwhile too: what takes a second is finished."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def interruptible() -> Generator[None]:
    """Takes Ctrl-C as usual, for a question in the middle of what else is not interrupted."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

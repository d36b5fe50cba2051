"""Ctrl-C and termination: steps that are finished first, and programs that an interrupted command still waits for."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


def run_to_its_end(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a program on this terminal and give its exit status, negative for the signal that ended it.

    Ctrl-C is the program's own to answer, for the terminal tells it too; a termination of this process is passed on.
    To be called on the main thread, as Python's signals are.
    """
    with subprocess.Popen(command, cwd=folder, env=environment) as running:

        def pass_on(_number: int, _frame: FrameType | None) -> None:
            running.terminate()

        # What nohup has told this process to ignore stays ignored.
        heard = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, pass_on) for number in heard}
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return running.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


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

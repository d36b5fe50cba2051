"""Programs that run while something asks them, and end with it."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

START_TIMEOUT: Final = 60.0
"""Seconds that a program may take to answer."""
_PORTS: Final = range(15_000, 30_000)
"""Below those of callers (from 32768 on: ip(7), ip_local_port_range) and those of Kubernetes' Services (from 30000)."""


class DaemonError(Exception):
    """A program ended, or does not answer; the text holds the end of its log."""


class Daemon:
    """One program on a port of loopback, with a log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        port: int,
        folder: Path,
        *,
        health: str,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """folder: where it runs, and its log lies. health: path that answers 200 once it is ready.

        env: all that it gets beside PATH and HOME.
        """
        self.name = name
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **(env or {})}
        self.command = [str(part) for part in command]
        self._folder = folder
        self._health = health
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        file = self._folder / f"{self.name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    @property
    def process_id(self) -> int:
        if self._process is None:
            raise DaemonError(f"{self.name} does not run")
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it, and by default wait until it is ready."""
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command, cwd=self._folder, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self._healthy():
            if self._process is None or self._process.poll() is not None:
                raise DaemonError(f"{self.name} ended. Its log ends with:\n{self.log[-2000:]}")
            if time.monotonic() > deadline:
                raise DaemonError(f"{self.name} does not answer. Its log ends with:\n{self.log[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, gently at first."""
        if self._process is None:
            return
        end(self._process)
        self._process = None

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{self._health}", timeout=5) as answered:  # noqa: S310 - loopback
                return answered.status == 200
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False


def end(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM) -> None:
    """End a program, gently at first. by: what it takes for a wish to end."""
    process.send_signal(by)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on just now, and that no caller gets as its own meanwhile."""
    found: set[int] = set()
    while len(found) < count:
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)

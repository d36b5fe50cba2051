"""The real Prometheus, run on loopback with data that a test made."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.drone.daemons import free_ports
from tests.support.waiting import LONGEST_WAIT

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Seconds that a server may take until it answers."""


class RefusedError(Exception):
    """A server did not take what it was asked; the text is what it said."""


@dataclass(frozen=True)
class Server:
    """Where a server answers."""

    url: str
    headers: Mapping[str, str]

    def ask(self, path: str, **parameters: str) -> Any:
        """What it answers to a GET. Raises RefusedError."""
        content = self.read(f"{path}?{urllib.parse.urlencode(parameters)}")
        try:
            return json.loads(content) if content else None
        except ValueError:
            return content.decode()

    def read(self, path: str) -> bytes:
        """The bytes that it answers to a GET. Raises RefusedError."""
        return self._send(path)

    def post(self, path: str, body: Any, **headers: str) -> None:
        """Hand it something as JSON. Raises RefusedError."""
        self._send(path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})

    def _send(self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - always http, on loopback
            self.url + path, body, {**self.headers, **(headers or {})}, method="GET" if body is None else "POST"
        )
        try:
            with _DIRECT.open(request, timeout=15) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise RefusedError(error.read().decode()) from error


@contextmanager
def prometheus(programs: Path, folder: Path, data: str, rules: Mapping[str, Any] | None = None) -> Generator[Server]:
    """Prometheus with samples in OpenMetrics' text form, scraping nobody."""
    metrics, blocks, configuration = folder / "metrics.txt", folder / "blocks", folder / "prometheus.yml"
    metrics.write_text(data)
    subprocess.run(
        [programs / "promtool", "tsdb", "create-blocks-from", "openmetrics", metrics, blocks],
        check=True,
        capture_output=True,
        text=True,
    )
    named: dict[str, Any] = {}
    if rules:
        (folder / "rules.yml").write_text(yaml.safe_dump(dict(rules)))
        named = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(folder / "rules.yml")]}
    configuration.write_text(yaml.safe_dump(named))
    [port] = free_ports(1)
    command = [
        programs / "prometheus",
        f"--config.file={configuration}",
        f"--storage.tsdb.path={blocks}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = Server(f"http://127.0.0.1:{port}", {})
    with _running(command, folder / "prometheus.log", server, "/-/ready"):
        yield server


@contextmanager
def _running(command: list[Any], log: Path, server: Server, ready: str) -> Generator[None]:
    with log.open("a") as said, subprocess.Popen(command, stdout=said, stderr=said, cwd=log.parent) as process:
        try:
            _wait(process, server, ready, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: subprocess.Popen[bytes], server: Server, ready: str, log: Path) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"it ended: {log.read_text()[-3000:]}")
        try:
            server.ask(ready)
        except (RefusedError, OSError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"it was not ready in {LONGEST_WAIT:.0f} s: {log.read_text()[-3000:]}")

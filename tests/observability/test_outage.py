"""Nobody takes the lines for a while: the real Fluent Bit, with the program's configuration, loses none of them.

It is no package, so this runs only where `fluent-bit` is installed. A second one stands in for the aggregator.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from observability.log_pipeline import agent_configuration
from rehearsal.drone.daemons import free_ports
from tests.support.waiting import until

FLUENT_BIT = shutil.which("fluent-bit")
pytestmark = pytest.mark.skipif(FLUENT_BIT is None, reason="Fluent Bit is not installed")

POD = "app-7c9_team-red_app-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log"
SECRET = "kX9vT2mQ7wLp4sRd"


@contextmanager
def running(configuration: Path, log: Path) -> Generator[subprocess.Popen[bytes]]:
    """Fluent Bit; ended without a word at the end, as by a node that loses power."""
    with (
        log.open("a") as said,
        subprocess.Popen([FLUENT_BIT or "", "-c", configuration], stdout=said, stderr=said) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def agent(folder: Path, aggregator: int) -> Path:
    """The program's configuration, on folders and ports of the test's own."""
    files = agent_configuration()
    (folder / "record.lua").write_text(files["record.lua"])
    # What the image has: a CRI line's parts are read by a parser that is built in.
    (folder / "parsers.conf").write_text("")
    text = files["fluent-bit.conf"]
    for there, here in {
        "/fluent-bit/etc-operator/record.lua": str(folder / "record.lua"),
        "/fluent-bit/etc/parsers.conf": str(folder / "parsers.conf"),
        "/var/log/containers": str(folder / "containers"),
        "kubernetes.var.log.containers.": f"kubernetes.{str(folder / 'containers').strip('/').replace('/', '.')}.",
        "/buffers": str(folder / "buffers"),
        "/tail-db": str(folder / "positions"),
        "logs-fluentd.logging.svc.cluster.local": "127.0.0.1",
        "24240": str(aggregator),
        "2020": str(free_ports(1)[0]),
        "HTTP_Listen               0.0.0.0": "HTTP_Listen               127.0.0.1",
    }.items():
        assert there in text, there
        text = text.replace(there, here)
    for name in ("containers", "positions", "buffers"):
        (folder / name).mkdir()
    file = folder / "fluent-bit.conf"
    file.write_text(text)
    return file


def aggregator(folder: Path, port: int) -> Path:
    """Writes each record that it gets into the file `taken`, as JSON."""
    file = folder / "aggregator.conf"
    file.write_text(
        f"[SERVICE]\n    Flush 1\n[INPUT]\n    Name forward\n    Listen 127.0.0.1\n    Port {port}\n"
        f"[OUTPUT]\n    Name file\n    Match *\n    Path {folder}\n    File taken\n    Format plain\n"
    )
    return file


def write(folder: Path, numbers: range) -> None:
    """Lines as the container runtime writes them."""
    with (folder / "containers" / POD).open("a") as file:
        for number in numbers:
            file.write(f"2026-11-24T10:00:00.{number:09d}Z stdout F line {number} password={SECRET}\n")


def taken(folder: Path) -> list[dict[str, object]]:
    file = folder / "taken"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def numbers(folder: Path) -> set[int]:
    return {int(str(record["log"]).split()[1]) for record in taken(folder)}


@pytest.mark.timeout(900)
def test_no_line_is_lost_while_nobody_takes_them_and_the_agent_crashes(tmp_path: Path) -> None:
    [port], log = free_ports(1), tmp_path / "agent.log"
    node, receiver = agent(tmp_path, port), aggregator(tmp_path, port)
    with running(node, log):
        with running(receiver, tmp_path / "receiver.log"):
            write(tmp_path, range(1000))
            until(lambda: numbers(tmp_path) >= set(range(1000)), log.read_text)
        # Nobody is there now. What is read waits on the disk.
        write(tmp_path, range(1000, 6000))
        until(lambda: any((tmp_path / "buffers").rglob("*.flb")), log.read_text)
        time.sleep(OUTAGE_SECONDS)
    with running(node, log):
        write(tmp_path, range(6000, 7000))
        with running(receiver, tmp_path / "receiver.log"):
            until(lambda: numbers(tmp_path) >= set(range(7000)), log.read_text)
    [first, *_] = taken(tmp_path)
    assert {name: first[name] for name in ("namespace", "team", "pod")} == {
        "namespace": "team-red",
        "team": "red",
        "pod": "app-7c9",
    }
    assert SECRET not in (tmp_path / "taken").read_text()


OUTAGE_SECONDS = 20
"""Long enough for several tries to hand lines over."""

"""Measures the guard, and the program for ever more players: `python -m bench.delivery`.

The guard is a process of its own, as on a board. The program runs under a mock engine, so that its figures are the
program's own and no cluster's. Nothing here is a test. Seconds are a core's, not the clock's.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from game_app.guard import service
from game_app.guard.service.pipelines import EVENTS, SIGNATURES
from rehearsal.drone.daemons import Daemon, free_ports
from tests.game_app import guards
from tests.game_app.signing import signed_headers
from tests.unit import programs
from tests.unit.monitor import run

PLAYERS: Final = (1, 20, 235, 2000)
TEAM: Final = 5
"""Players of one team."""
REQUESTS: Final = 2000
ROOT: Final = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 whatever the figures are."""
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument("--players", type=int, help="only run the program once, for so many, and print it as JSON")
    options = parser.parse_args(arguments)
    if options.players:
        print(json.dumps(_program(options.players)))
        return 0
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    with tempfile.TemporaryDirectory() as folder:
        _guard(console, Path(folder))
    _growth(console)
    return 0


def _growth(console: Console) -> None:
    table = Table("players", "teams", "resources", "core seconds", "MiB", title="One `up` of the game", min_width=60)
    for players in PLAYERS:
        # A process for each, because memory's peak is a process's.
        command = [sys.executable, "-m", "bench.delivery", "--players", str(players)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        made: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        figures = (made["teams"], made["resources"], made["seconds"], made["mebibytes"])
        table.add_row(str(players), *(f"{figure:.0f}" for figure in figures))
    console.print(table)


def _program(players: int) -> dict[str, float]:
    """Register the game for so many players: its teams and resources, a core's seconds, and MiB at the peak."""
    names = [f"player{number}" for number in range(players)]
    teams = {f"t{number // TEAM}": names[number : number + TEAM] for number in range(0, players, TEAM)}
    began = time.process_time()
    graph = run(lambda: programs.game_app_with_a_workshop(teams), preview=False)
    return {
        "teams": len(teams),
        "resources": len(graph.resources),
        "seconds": time.process_time() - began,
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _guard(console: Console, folder: Path) -> None:
    """Signed requests to the guard's own process, one after the other."""
    guard = _started(folder)
    try:
        used = _core_seconds(guard.process_id)
        began = time.monotonic()
        for _ in range(REQUESTS):
            _ask(guard)
        took, used = time.monotonic() - began, _core_seconds(guard.process_id) - used
        status = Path(f"/proc/{guard.process_id}/status").read_text()
    finally:
        guard.stop()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    console.print(
        f"The guard: {REQUESTS / used:.0f} signed requests for each second of a core (at least 500), "
        f"{REQUESTS / took:.0f} a second by the clock; {peak:.1f} MiB at its peak (at most 30)."
    )


def _started(folder: Path) -> Daemon:
    secrets = {"config": guards.CONFIG_SECRET, "validate": guards.VALIDATE_SECRET}
    for name in ("app", "pipelines", "secrets", "signatures"):
        (folder / name).mkdir()
    (folder / "app" / "guard").symlink_to(Path(service.__file__).parent)
    guards.write(folder / "pipelines")
    for name, secret in secrets.items():
        (folder / "secrets" / name).write_bytes(secret)
    signatures = {slug: dict.fromkeys(EVENTS, "0" * 64) for slug in guards.SLUGS}
    (folder / "signatures" / SIGNATURES).write_text(json.dumps(signatures))
    [port] = free_ports(1)
    command = [sys.executable, "-B", "-s", "-m", "guard", "--host=127.0.0.1", f"--port={port}"]
    command += [f"--{name}={folder / name}" for name in ("pipelines", "secrets", "signatures")]
    guard = Daemon("guard", command, port, folder, health="/healthz", env={"PYTHONPATH": str(folder / "app")})
    guard.start()
    return guard


def _ask(guard: Daemon) -> None:
    body = json.dumps(guards.pull_request()).encode()
    headers = dict(signed_headers("/config", body, guards.CONFIG_SECRET, datetime.now(UTC)))
    connection = http.client.HTTPConnection("127.0.0.1", guard.port, timeout=10)
    try:
        connection.request("POST", "/config", body, headers)
        answered = connection.getresponse()
        answered.read()
    finally:
        connection.close()
    if answered.status != 200:
        raise RuntimeError(f"the guard answered {answered.status}")


def _core_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())

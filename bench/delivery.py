"""Benchmark of the guard, of Drone's queue, and of the program for ever more players: `python -m bench.delivery`.

Gitea, Drone and the guard are the real processes of `local_game`, with a runner that runs nothing. The guard is sent
one of Drone's own signed requests again and again. The program runs under a mock engine, so that the figures are the
program's own and no cluster's, in a core's seconds. Nothing here is a test.
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
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.game_program import game
from local_game.delivery_site import DeliverySite
from local_game.rendering import rendered
from rehearsal.drone.recording import RecordingRunner, Taken

PLAYERS: Final = (1, 20, 235, 2000)
TEAM: Final = 5
"""Players of one team."""
REQUESTS: Final = 2000
AT_ONCE: Final = 235
"""Builds that are queued at once: one of each player of a full event."""
WEBHOOKS: Final = 20
SECONDS: Final = 1.0
"""That a build takes on the runner."""
FEWER: Final = 8
"""Places of a runner that has fewer than there are teams."""
BUILD_TIMEOUT: Final = 300.0
"""Seconds after which a build that no runner was given is lost."""
LONG_POLL: Final = 31.0
"""Seconds after which a runner that takes no more asks for nothing any more."""
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
        _builds(console, Path(folder))
    _growth(console)
    return 0


def _builds(console: Console, folder: Path) -> None:
    """Webhooks to the real Drone: how soon one is a build on a runner, and what becomes of many at once."""
    teams = {f"team-{number}": [f"player{number}"] for number in range(AT_ONCE // TEAM)}
    console.print(f"Raising Gitea, Drone and the guard for {len(teams)} teams …")
    site = DeliverySite(folder, teams)
    try:
        site.start()
        site.watch()
        _guard(console, site)
        times = _webhooks(site)
        console.print(
            f"From a webhook to its build on a runner, with the guard on the way: {median(times):.2f} s in the middle, "
            f"{max(times):.2f} s at most, of {len(times)} (at most 1)."
        )
        title = f"{AT_ONCE} builds of {len(teams)} teams at once, each of {SECONDS:g} s"
        columns = ("places", "seconds until queued", "until all were taken", "lost", "twice", "largest difference")
        table = Table(*columns, title=title, min_width=60)
        ours = site.runners["deploy"]
        table.add_row(f"{ours.places}, as the program has it", *_queue(site, ours, list(teams)))
        ours.close()
        time.sleep(LONG_POLL)
        fewer = RecordingRunner(site.drone_url, site.rpc_secret, {"trust": "deploy"}, places=FEWER)
        try:
            table.add_row(str(FEWER), *_queue(site, fewer, list(teams)))
        finally:
            fewer.close()
    finally:
        site.stop()
    console.print(table)
    console.print("Difference: of the builds taken of two teams, while every team still has some that wait.")


def _webhooks(site: DeliverySite) -> list[float]:
    """Seconds from a pull request's webhook until a runner has its build, for one after the other."""
    hook = site.webhooks.answered(site.git.propose("player0", "team-0", "measured", {"measured.txt": "x"}))[0]
    times: list[float] = []
    for _ in range(WEBHOOKS):
        site.builds.wait_until_none_runs(BUILD_TIMEOUT)
        began = time.monotonic()
        _, build = site.webhooks.deliver(hook)
        taken = site.runners["untrusted"].wait_for("game/team-0", BUILD_TIMEOUT, number=build["number"])
        if taken is None:
            raise RuntimeError("a build never came")
        times.append(taken.at - began)
    return times


def _queue(site: DeliverySite, runner: RecordingRunner, teams: Sequence[str]) -> list[str]:
    """Queue builds at once, team by team, and let a runner take them. Gives the figures of a line."""
    admin = site.as_drones_admin()
    secrets = {team: site.webhooks.secret_of(team) for team in teams}
    runner.lasting = SECONDS
    admin.ask("DELETE", "/api/queue")
    try:
        began = time.monotonic()
        with ThreadPoolExecutor(max_workers=32) as players:
            pushes = [team for team in teams for _ in range(TEAM)]
            waiting = [players.submit(site.webhooks.push, team, secret=secrets[team]) for team in pushes]
        commits = {push.result() for push in waiting}
        queued = time.monotonic() - began
    finally:
        admin.ask("POST", "/api/queue")
    began = time.monotonic()
    taken: list[Taken] = []
    while len(taken) < len(commits) and time.monotonic() < began + BUILD_TIMEOUT:
        time.sleep(0.1)
        taken = [each for each in runner.taken() if each.commit in commits]
    took = time.monotonic() - began
    site.builds.wait_until_none_runs(BUILD_TIMEOUT)
    again = len(taken) - len({each.commit for each in taken})
    lost = len(commits) - (len(taken) - again)
    return [f"{queued:.1f}", f"{took:.1f}", str(lost), str(again), str(_difference(taken, teams))]


def _difference(taken: Sequence[Taken], teams: Sequence[str]) -> int:
    """The largest difference between two teams' builds taken, while every team still has some that wait."""
    so_far = {f"game/{team}": 0 for team in teams}
    largest = 0
    for each in sorted(taken, key=lambda one: one.at):
        so_far[each.repository] += 1
        if max(so_far.values()) == TEAM:
            # Its last one waits no more.
            return max(largest, TEAM - min(so_far.values()))
        largest = max(largest, max(so_far.values()) - min(so_far.values()))
    return largest


def _growth(console: Console) -> None:
    columns = ("players", "teams", "resources", "core seconds", "for each player more", "MiB")
    table = Table(*columns, title="One `up` of the game", min_width=60)
    first: dict[str, float] = {}
    for players in PLAYERS:
        # A process for each, because memory's peak is a process's.
        command = [sys.executable, "-m", "bench.delivery", "--players", str(players)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        made: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        first = first or made
        more = players - PLAYERS[0]
        each = f"{(made['seconds'] - first['seconds']) / more * 1000:.0f} ms" if more else "-"
        table.add_row(
            str(players),
            f"{made['teams']:.0f}",
            f"{made['resources']:.0f}",
            f"{made['seconds']:.1f}",
            each,
            f"{made['mebibytes']:.0f}",
        )
    console.print(table)


def _program(players: int) -> dict[str, float]:
    """Register the game for so many players: its teams and resources, a core's seconds, and MiB at the peak."""
    names = [f"player{number}" for number in range(players)]
    teams = {f"t{number // TEAM}": names[number : number + TEAM] for number in range(0, players, TEAM)}
    began = time.process_time()
    resources = rendered(lambda: game(teams))
    return {
        "teams": len(teams),
        "resources": len(resources),
        "seconds": time.process_time() - began,
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _guard(console: Console, site: DeliverySite) -> None:
    """Drone's own signed request to the guard, sent one time after the other."""
    path, headers, body = _signed_request(site)
    guard = site.guard
    used = _core_seconds(guard.process_id)
    began = time.monotonic()
    for _ in range(REQUESTS):
        _send(guard.port, path, headers, body)
    took, used = time.monotonic() - began, _core_seconds(guard.process_id) - used
    status = Path(f"/proc/{guard.process_id}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    console.print(
        f"The guard: {REQUESTS / used:.0f} signed requests for each second of a core (at least 500), "
        f"{REQUESTS / took:.0f} a second by the clock; {peak:.1f} MiB at its peak (at most 30)."
    )


def _signed_request(site: DeliverySite) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body of Drone's request for a pipeline, taken in the guard's place.

    The guard accepts the date of a request for five minutes, which the benchmark stays below.
    """
    hook = site.webhooks.answered(site.git.propose("player0", "team-0", "signed", {"signed.txt": "x"}))[0]
    taken: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            taken.append((self.path, dict(self.headers.items()), body))
            self.send_error(500)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    site.guard.stop()
    with ThreadingHTTPServer(("127.0.0.1", site.guard_port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site.webhooks.deliver(hook)
        server.shutdown()
    site.guard.start()
    return taken[0]


def _send(port: int, path: str, headers: Mapping[str, str], body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the guard answered {answer.status}")


def _core_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())

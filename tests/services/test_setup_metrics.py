"""The set-up as it runs: it goes on past what is refused, and tells Prometheus of it by name.

A stand-in for Gitea and Drone answers whatever the set-up asks of them; the real ones are in tests/services and
tests/attacks.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from local_game.mounted import mounted
from observability.metrics_catalog import METRICS
from rehearsal.drone.daemons import free_ports
from tests.services import guards
from tests.support.waiting import LONGEST_WAIT, until

REPOSITORIES: Final = [slug.partition("/")[2] for slug in guards.SLUGS]
REFUSED: Final = REPOSITORIES[0]


class StandIn:
    """Gitea and Drone on one port, which remember what was made and refuse one repository while `refuses` is set."""

    def __init__(self) -> None:
        self.made: set[str] = set()
        self.refuses = threading.Event()
        self.garbled = threading.Event()
        """While it is set, Drone signs with an answer that nobody foresaw."""
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer()

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class's names

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, found = stand_in.answer(self.command, self.path, json.loads(body or "null"))
                text = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "POST" and path.endswith("/repos") and path.startswith("/api/v1/orgs/"):
            if body["name"] == REFUSED and self.refuses.is_set():
                return 409, {"message": "a repository of that name is there"}
            self.made.add(body["name"])
        drones = {
            "/varz": {"license": {"kind": "trial"}},
            "/api/user/repos": [{"slug": f"game/{name}", "active": True} for name in REPOSITORIES],
        }
        if path in drones:
            return 200, drones[path]
        if path.endswith("/sign"):
            return 200, None if self.garbled.is_set() else {"data": "0" * 64}
        if method == "GET" and re.search(r"/(users|teams|members|collaborators|oauth2)(\?|$)", path):
            return 200, []
        if method == "GET" and re.search(r"/(orgs|repos|branch_protections|permission)\b", path):
            return 404, {}
        return 200, {"id": 1, "client_id": "an id", "client_secret": "a secret"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Running:
    """The set-up's process."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "pipelines").mkdir()
        guards.write(folder / "pipelines")
        (folder / "token").write_text("a token")
        plan = {
            "organisation": "game",
            "branch": "main",
            "drone_url": url,
            "drone_public_url": url,
            "scm_url": url,
            "drone_token": "x",
            "builder": "drone-bot",
            "cloner": "clone-bot",
            "merger": "merge-bot",
            "passwords": {"drone-bot": "y", "ada": "z"},
            "repositories": [{"name": name, "minutes": 10} for name in REPOSITORIES],
        }
        (folder / "plan.json").write_text(json.dumps(plan))
        [self.port] = free_ports(1)
        self.log = folder / "log"
        command = [
            *mounted("setup", folder / "app"),
            *("--scm=gitea", "--timeout=1", "--interval=0.2", "--host=127.0.0.1", f"--metrics-port={self.port}"),
            *(f"--{name}={folder / name}" for name in ("pipelines", "token", "folder")),
            f"--plan={folder / 'plan.json'}",
        ]
        with self.log.open("ab") as log:
            env = {"PATH": os.environ["PATH"]}
            self.process = subprocess.Popen(command, cwd=folder / "app", env=env, stdout=log, stderr=log)

    def metrics(self) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=LONGEST_WAIT) as answered:
                return answered.read().decode()
        except OSError:
            return ""

    def until(self, done: Callable[[], bool]) -> None:
        until(lambda: self.process.poll() is not None or done(), lambda: self.metrics() + self.log.read_text())
        assert self.process.poll() is None, self.log.read_text()


@pytest.fixture
def stand_in() -> Generator[StandIn]:
    made = StandIn()
    yield made
    made.close()


@pytest.fixture
def running(tmp_path: Path, stand_in: StandIn) -> Generator[Running]:
    stand_in.refuses.set()
    started = Running(tmp_path, stand_in.url)
    yield started
    started.process.kill()
    started.process.wait(timeout=LONGEST_WAIT)


def test_a_refused_repository_is_told_by_name_and_everything_else_is_made(running: Running, stand_in: StandIn) -> None:
    running.until(lambda: f'setup_fault{{thing="the repository {REFUSED}"}} 1' in running.metrics())
    assert "\nsetup_faults 1\n" in running.metrics()
    assert stand_in.made == {*REPOSITORIES} - {REFUSED}
    signatures = json.loads((running.log.parent / "folder" / "signatures" / "signatures.json").read_text())
    assert set(signatures) == set(guards.SLUGS)
    assert f"the repository {REFUSED}: POST" in running.log.read_text()
    stand_in.refuses.clear()
    running.until(lambda: "\nsetup_faults 0\n" in running.metrics() and "setup_fault{" not in running.metrics())
    assert stand_in.made == {*REPOSITORIES}


def test_an_answer_that_nobody_foresaw_is_a_fault_like_any_other(running: Running, stand_in: StandIn) -> None:
    stand_in.refuses.clear()
    stand_in.garbled.set()
    running.until(lambda: f"\nsetup_faults {len(REPOSITORIES)}\n" in running.metrics())
    assert 'setup_fault{thing="game/' in running.metrics()
    stand_in.garbled.clear()
    running.until(lambda: "\nsetup_faults 0\n" in running.metrics())


def test_files_that_cannot_be_read_are_a_fault_and_the_set_up_goes_on(running: Running, stand_in: StandIn) -> None:
    stand_in.refuses.clear()
    plan = running.log.parent / "plan.json"
    text = plan.read_text()
    running.until(lambda: "\nsetup_faults 0\n" in running.metrics())
    plan.write_text("{")
    running.until(lambda: 'setup_fault{thing="anything"} 1' in running.metrics())
    plan.write_text(text)
    running.until(lambda: "\nsetup_faults 0\n" in running.metrics())


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_ends_at_once_whatever_it_waits_for(
    running: Running, stand_in: StandIn, told: signal.Signals
) -> None:
    running.until(lambda: "setup_fault{" in running.metrics())
    # Nobody answers any more: it waits for its services, or until its next run.
    stand_in.close()
    running.process.send_signal(told)
    # Kubernetes gives a pod 30 seconds, and then kills it.
    assert running.process.wait(timeout=30) == 0


def test_its_metrics_are_those_that_alerts_may_ask_for(running: Running) -> None:
    running.until(lambda: "setup_fault{" in running.metrics())
    named = set(re.findall(r"^(\w+)", running.metrics(), re.MULTILINE))
    assert named == {name for name, metric in METRICS.items() if metric.source == "the set-up"}

"""Guards and Drones as somebody careless would run them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from game_app.services.setup.service_client import ServiceClient
from local_game.delivery_site import DeliverySite
from rehearsal.drone.daemons import Daemon, free_ports
from rehearsal.drone.recording import RecordingRunner
from tests.attacks.attacks import THEIRS, settle

Answering = Callable[[str, bytes], tuple[int, bytes]]
"""Path and body of a request to status and body of the answer."""


@dataclass(frozen=True)
class Asked:
    """A request to an extension, as it came."""

    path: str
    headers: list[tuple[str, str]]
    body: bytes


@contextmanager
def answering(port: int, answer: Answering) -> Generator[list[Asked]]:
    """An extension that answers whatever it likes. Gives what it was asked."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(Asked(self.path, self.headers.items(), body))
            status, text = answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@contextmanager
def instead_of_the_guard(site: DeliverySite, answer: Answering) -> Generator[list[Asked]]:
    """Another service in the guard's place. Gives what it was asked."""
    site.guard.stop()
    try:
        with answering(site.guard_port, answer) as asked:
            yield asked
    finally:
        site.guard.start()


def slow(_: str, __: bytes) -> tuple[int, bytes]:
    """Later than Drone waits."""
    time.sleep(3)
    return 200, json.dumps({"data": THEIRS}).encode()


def everything(path: str, body: bytes) -> tuple[int, bytes]:
    """A guard that has a pipeline for whatever is not a pull request, and for that takes the repository's."""
    if path == "/validate" or json.loads(body)["build"]["event"] == "pull_request":
        return 204, b""
    return 200, json.dumps({"data": THEIRS}).encode()


@dataclass(frozen=True)
class Careless:
    """A Drone without locks of its own."""

    port: int
    url: str
    admin: ServiceClient
    runner: RecordingRunner


@contextmanager
def careless_drone(site: DeliverySite) -> Generator[Careless]:
    """Another Drone over a copy of the first one's database, without its locks and with a careless guard."""
    assert site.drone is not None
    home = site.folder / "careless"
    home.mkdir()
    port, guard = free_ports(2)
    # A build that runs while it is copied would run in the copy for ever.
    settle(site.as_drones_admin())
    site.postgres.copy("careless")
    without_locks = {
        "DRONE_SERVER_PORT": f":{port}",
        "DRONE_DATABASE_DATASOURCE": site.data_source("careless"),
        "DRONE_YAML_ENDPOINT": f"http://127.0.0.1:{guard}/config",
        "DRONE_VALIDATE_PLUGIN_ENDPOINT": "",
        "DRONE_GIT_USERNAME": "",
        "DRONE_GIT_PASSWORD": "",
        "DRONE_REGISTRATION_CLOSED": "false",
        "DRONE_USER_FILTER": "ada,drone-bot",
        "DRONE_JSONNET_ENABLED": "true",
        "DRONE_STARLARK_ENABLED": "true",
        "DRONE_CRON_DISABLED": "false",
        "DRONE_CRON_INTERVAL": "1s",
    }
    drone = Daemon("drone", site.drone.command, port, home, health="/healthz", env={**site.drone.env, **without_locks})
    with answering(guard, everything):
        drone.start()
        runner = RecordingRunner(drone.url, site.rpc_secret, {"trust": "untrusted"}, places=2)
        try:
            admin = ServiceClient.by_token(drone.url, site.drone_token, scheme="Bearer")
            for team in ("team-red", "team-blue", "team-green"):
                admin.ask("PATCH", f"/api/repos/game/{team}", {"protected": False})
            yield Careless(port, drone.url, admin, runner)
        finally:
            runner.close()
            drone.stop()

"""A hunt's service as it runs, with a stand-in for Gitea and the cluster that answers what a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from game_app.hunt.folder import load
from game_app.services.hunt.codes import operators_code, team_code
from game_app.services.pipeline_catalogue import CHECK, DEPLOYMENT
from local_game.browser import Browser
from local_game.mounted import mounted
from rehearsal.drone.daemons import free_ports
from tests.support.waiting import LONGEST_WAIT, until

EXAMPLE: Final = Path(__file__).parents[2] / "game_app" / "hunt" / "example"
KEY: Final = "0123456789abcdef" * 4
TEAMS: Final = ("amber", "blue", "crimson")
Tree = dict[str, Any]


class Board:
    """What Gitea and the cluster would say of one team, for a test to change."""

    def __init__(self) -> None:
        self.main: dict[str, str] = {}
        self.pulls: list[Tree] = []
        self.files: dict[tuple[str, str], str] = {}
        self.commits: dict[int, list[str]] = {}
        self.messages: dict[str, str] = {}
        self.results: dict[tuple[str, str], list[str]] = {}
        self.deployments: dict[str, Tree] = {}
        self.merged: list[int] = []
        self.silent = threading.Event()
        """While it is set, nothing is answered about this team."""

    def propose(
        self, number: int, branch: str, head: str, files: Mapping[str, str], *, state: str = "open", body: str = ""
    ) -> Tree:
        """A pull request with its files. body: its text."""
        pull: Tree = {
            "number": number,
            "state": state,
            "body": body,
            "head": {"label": branch, "ref": branch, "sha": head},
            "base": {"ref": "main"},
            "merged": state != "open",
            "merge_commit_sha": f"merge-{number}",
        }
        self.pulls = [each for each in self.pulls if each["number"] != number] + [pull]
        self.commits.setdefault(number, []).append(head)
        self.files |= {(head, path): text for path, text in files.items()}
        return pull

    def delete_branch(self, number: int) -> None:
        """Delete the branch of a pull request, as a player does once it is merged."""
        [pull] = [each for each in self.pulls if each["number"] == number]
        # Source: gitea, services/convert/pull.go
        pull["head"] = {**pull["head"], "ref": f"refs/pull/{number}/head"}

    def answer(self, path: str, query: str) -> Any:
        """What a GET of the rest of a path gives; None: there is no such thing."""
        asked = {key: values[0] for key, values in parse_qs(query).items()}
        if path == "pulls":
            newest_first = asked.get("sort") != "oldest" and asked.get("direction") != "asc"
            listed = sorted(self.pulls, key=lambda each: each["number"], reverse=newest_first)
            return _page([each for each in listed if "state=open" not in query or each["state"] == "open"], asked)
        if matched := re.fullmatch(r"pulls/(\d+)/commits", path):
            commits = self.commits[int(matched[1])]
            return _page([{"sha": sha, "commit": {"message": self.messages.get(sha, "")}} for sha in commits], asked)
        if matched := re.fullmatch(r"contents/(.+)", path):
            reference = query.partition("ref=")[2]
            text = self.main.get(matched[1]) if reference == "main" else self.files.get((reference, matched[1]))
            if text is None:
                return None
            return {"type": "file", "content": base64.b64encode(text.encode()).decode()}
        if matched := re.fullmatch(r"commits/(.+)/statuses", path):
            return [
                {"id": at, "context": context, "status": status}
                for context in (CHECK, DEPLOYMENT)
                for at, status in enumerate(self.results.get((matched[1], context), []))
            ]
        return self.deployments.get(path.rpartition("deployments/")[2])


def _page(listed: list[Tree], asked: Mapping[str, str]) -> list[Tree]:
    """One page of a list, as Gitea (`limit`) and GitHub (`per_page`) have them."""
    size = int(asked.get("limit") or asked.get("per_page") or 30)
    first = (int(asked.get("page", "1")) - 1) * size
    return listed[first : first + size]


class StandIn:
    """Gitea and the cluster on one port of loopback."""

    option = "gitea"
    """How the service is told of it."""

    def __init__(self) -> None:
        self.boards = {team: Board() for team in TEAMS}
        self.logins: set[str] = set()
        self.asked = 0
        """Requests for something."""
        self.refusal: tuple[int, object, Mapping[str, str]] | None = None
        """Status, body and headers with which everything is refused; None: nothing is."""
        self.unchanged = 0
        """Answers that told nothing but that nothing had changed."""
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.asked += 1
                if stand_in.refusal is not None:
                    self.send(*stand_in.refusal)
                    return
                stand_in.logins.add(str(self.headers.get("Authorization")))
                parts = urlsplit(self.path)
                board, rest = stand_in.board(parts.path)
                found = stand_in.tell(board, rest, parts.query) if board else None
                self.send(404 if found is None else 200, found)

            def do_POST(self) -> None:
                self.merge()

            def do_PUT(self) -> None:
                self.merge()

            def merge(self) -> None:
                stand_in.logins.add(str(self.headers.get("Authorization")))
                wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                board, rest = stand_in.board(self.path)
                number = int(rest.split("/")[1])
                if board is None or not stand_in.asks_to_merge(self.command, wanted, board, number):
                    self.send(404, None)
                elif not stand_in.merges(board, number):
                    self.send(405, None)
                else:
                    self.send(200, {})

            def send(self, status: int, value: object, headers: Mapping[str, str] = MappingProxyType({})) -> None:
                body = json.dumps(value).encode()
                mark = stand_in.mark(self.path, body)
                if mark and self.headers.get("If-None-Match") == mark:
                    stand_in.unchanged += 1
                    status, body = 304, b""
                self.send_response_only(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                if mark:
                    self.send_header("ETag", mark)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def tell(self, board: Board, path: str, query: str) -> Any:
        """What a GET gives; None: there is no such thing."""
        return board.answer(path, query)

    def asks_to_merge(self, method: str, wanted: Tree, board: Board, number: int) -> bool:
        """Whether a request is one to merge a pull request as it is now."""
        [pull] = [each for each in board.pulls if each["number"] == number]
        return method == "POST" and wanted == {"Do": "merge", "head_commit_id": pull["head"]["sha"]}

    def mark(self, path: str, body: bytes) -> str:
        """By which an answer is known again; empty: by nothing."""
        del path, body
        return ""

    def board(self, path: str) -> tuple[Board | None, str]:
        """Whose board a path is about, and the rest of it."""
        matched = re.search(r"/(?:repos/game|namespaces)/team-([a-z]+)/(.+)", path)
        board = self.boards.get(matched[1]) if matched else None
        deadline = time.monotonic() + LONGEST_WAIT
        while board is not None and board.silent.is_set() and time.monotonic() < deadline:
            time.sleep(0.02)
        return board, matched[2] if matched else ""

    def merges(self, board: Board, number: int) -> bool:
        """Merge a pull request as Gitea would, where its check is green."""
        pull = next(each for each in board.pulls if each["number"] == number)
        if board.results.get((pull["head"]["sha"], CHECK), [])[-1:] != ["success"]:
            return False
        pull |= {"state": "closed", "merged": True}
        board.main |= {path: text for (sha, path), text in board.files.items() if sha == pull["head"]["sha"]}
        board.merged.append(number)
        return True

    def close(self) -> None:
        for board in self.boards.values():
            board.silent.clear()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)


class GitHubStandIn(StandIn):
    """GitHub in Gitea's place, as docs.github.com/en/rest says that it answers."""

    option = "github"

    def tell(self, board: Board, path: str, query: str) -> Any:
        found = board.answer(path, query)
        if path == "pulls":
            merged_at = "2030-05-17T12:00:00Z"
            # GitHub says `merged` of one pull request only, never in a list.
            return [
                {**{key: value for key, value in each.items() if key != "merged"}}
                | {"merged_at": merged_at if each["merged"] else None}
                for each in found
                if "base=main" in query
            ]
        if path.endswith("/statuses"):
            return [{"id": each["id"], "context": each["context"], "state": each["status"]} for each in found]
        if path.startswith("contents/") and found:
            # In lines of 60, as MIME has it.
            lines = re.findall(".{1,60}", found["content"])
            return {"type": "file", "encoding": "base64", "content": "\n".join(lines) + "\n"}
        return found

    def asks_to_merge(self, method: str, wanted: Tree, board: Board, number: int) -> bool:
        [pull] = [each for each in board.pulls if each["number"] == number]
        return method == "PUT" and wanted == {"sha": pull["head"]["sha"], "merge_method": "merge"}

    def mark(self, path: str, body: bytes) -> str:
        return "" if "/namespaces/" in path else f'"{hashlib.sha256(body).hexdigest()}"'


class Running:
    """The service's process, with its files in a folder."""

    def __init__(self, folder: Path, stand_in: StandIn, *, interval: float = 0.2, hunt: Path = EXAMPLE) -> None:
        self.folder = folder
        self._command = mounted("hunt", folder / "app")
        for name in ("configuration", "secrets", "data", "account"):
            (folder / name).mkdir()
        teams = [{"name": team, "repository": f"game/team-{team}", "namespace": f"team-{team}"} for team in TEAMS]
        self.configure("hunt.json", load(hunt).as_json())
        place = {"page_url": "http://play.hunt.example.org/", "git_url": "http://git.hunt.example.org/"}
        self.configure("teams.json", {"teams": teams, "branch": "main", **place})
        for name, text in (("key", KEY), ("reader", "clone-bot:reads"), ("merger", "merge-bot:merges")):
            (folder / "secrets" / name).write_text(text)
        (folder / "account" / "token").write_text("a token")
        self.port, self.metrics_port = free_ports(2)
        self.process: subprocess.Popen[bytes] | None = None
        self._options = [
            f"--{stand_in.option}={stand_in.url}",
            f"--kubernetes={stand_in.url}",
            f"--interval={interval}",
            "--timeout=5",
        ]

    def configure(self, name: str, value: object) -> None:
        (self.folder / "configuration" / name).write_text(json.dumps(value))

    def command(self) -> list[str]:
        folders = [f"--{name}={self.folder / name}" for name in ("configuration", "secrets", "data", "account")]
        ports = ["--host=127.0.0.1", f"--port={self.port}", f"--metrics-port={self.metrics_port}"]
        return [*self._command, *folders, *ports, *self._options]

    def start(self) -> None:
        env = {"PATH": os.environ["PATH"]}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder / "app", env=env, stdout=log, stderr=log)
        until(lambda: self.process is not None and (self.process.poll() is not None or self.healthy()))
        assert self.process.poll() is None, self.log_text

    def stop(self, *, hard: bool = False) -> None:
        if self.process is None:
            return
        if hard:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            assert self.process.wait(timeout=LONGEST_WAIT) == (-signal.SIGKILL if hard else 0)
        finally:
            # Whatever it did not listen to, nothing is left of it.
            self.process.kill()
            self.process = None

    def healthy(self) -> bool:
        try:
            return Browser(self.port).ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    @property
    def log_text(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def events(self) -> list[Tree]:
        return [json.loads(line) for line in self.log_text.splitlines()]

    def metrics(self) -> Mapping[str, float]:
        """Each sample as it is written to its value."""
        _, text, _ = Browser(self.metrics_port).ask("GET", "/metrics")
        samples = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in samples}

    def as_team(self, team: str) -> Browser:
        browser = Browser(self.port)
        browser.log_in(team_code(KEY, team))
        return browser

    def as_operators(self) -> Browser:
        browser = Browser(self.port)
        browser.log_in(operators_code(KEY))
        return browser

    def begin(self) -> None:
        self.as_operators().press("/begin")

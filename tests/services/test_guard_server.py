"""The guard as it runs: a process of its own that is asked over HTTP, from the files that the program would mount."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_game.mounted import mounted
from tests.services import guards
from tests.services.guards import CONFIG_SECRET, VALIDATE_SECRET, pull_request
from tests.services.signing import signed_headers
from tests.support.waiting import LONGEST_WAIT

ENDED_SECRET = b"e" * 32


class Running:
    """A guard's process, with its files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._command = mounted("guard", folder / "app")
        for name in ("pipelines", "secrets", "signatures"):
            (folder / name).mkdir()
        guards.write(folder / "pipelines")
        (folder / "secrets" / "config").write_bytes(CONFIG_SECRET + b"\n")
        (folder / "secrets" / "validate").write_bytes(VALIDATE_SECRET)
        (folder / "secrets" / "ended").write_bytes(ENDED_SECRET)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    def sign(self) -> None:
        events = {event: hashlib.sha256(event.encode()).hexdigest() for event in ("pull_request", "push")}
        part = self.folder / "signatures" / "part"
        part.write_text(json.dumps(dict.fromkeys(guards.SLUGS, events)))
        part.rename(self.folder / "signatures" / "signatures.json")

    def start(self) -> None:
        command = [*self._command, "--host", "127.0.0.1", "--port", str(self.port)]
        for name in ("pipelines", "secrets", "signatures"):
            command += [f"--{name}", str(self.folder / name)]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(command, cwd=self.folder / "app", stdout=log, stderr=log, env={"LANG": "C"})
        log.close()

    def wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        pytest.fail(f"the guard does not answer: {self.log}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=LONGEST_WAIT)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> int:
        return self.ask(method, path, body, headers)[0]

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_WAIT)
        try:
            connection.request(method, path, body or None, headers or {})
            answered = connection.getresponse()
            return answered.status, answered.read()
        finally:
            connection.close()

    def signed(self, request: guards.Tree, path: str = "/config") -> tuple[int, bytes]:
        body = json.dumps(request).encode()
        now = datetime.now(UTC)
        secret = CONFIG_SECRET if path == "/config" else VALIDATE_SECRET
        return self.ask("POST", path, body, dict(signed_headers(path, body, secret, now)))

    def raw(self, text: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=LONGEST_WAIT) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while part := connection.recv(65536):
                received += part
        return received


@pytest.fixture
def running(tmp_path: Path) -> Generator[Running]:
    guard = Running(tmp_path)
    yield guard
    guard.stop()


@pytest.fixture
def serving(running: Running) -> Running:
    running.sign()
    running.start()
    running.wait()
    return running


def test_it_serves_a_signed_request_with_nothing_but_pythons_standard_library(serving: Running) -> None:
    status, body = serving.signed(pull_request())
    assert status == 200
    assert json.loads(body)["data"].startswith("kind: pipeline\n")
    assert serving.request("GET", "/healthz") == 200


def test_it_writes_down_what_became_of_a_build(serving: Running) -> None:
    body = json.dumps(pull_request(status="success", started=1, finished=4, stages=[])).encode()
    signed = signed_headers("/ended", body, ENDED_SECRET, datetime.now(UTC), over=("date", "digest"))
    assert serving.request("POST", "/ended", body, dict(signed)) == 204
    [line] = [found for found in map(json.loads, serving.log.splitlines()) if "ended" in found]
    assert line.pop("time")
    about = {"repository": "game/team-red", "event": "pull_request"}
    assert line == {"ended": "build", **about, "outcome": "success", "seconds": 3}


def test_it_serves_a_signature_that_arrives_after_it_has_started(running: Running) -> None:
    running.start()
    running.wait()
    assert running.signed(pull_request())[0] == 503
    assert running.request("GET", "/healthz") == 200
    running.sign()
    assert running.signed(pull_request())[0] == 200


def test_it_serves_nothing_while_the_signatures_cannot_be_read(serving: Running) -> None:
    (serving.folder / "signatures" / "signatures.json").write_text('{"game/team-red": {"pull')
    assert serving.signed(pull_request())[0] == 503
    assert serving.request("GET", "/healthz") == 503
    serving.sign()
    assert serving.signed(pull_request())[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/config"), ("GET", "/"), ("GET", "/etc/passwd"), ("PUT", "/config"), ("POST", "/"), ("POST", "/config/")],
)
def test_any_other_method_or_path_is_an_error(serving: Running, method: str, path: str) -> None:
    assert serving.request(method, path) >= 400


@pytest.mark.parametrize(
    "head",
    [
        b"POST /config HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /config HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /config HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        b"POST /config HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"POST /config HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n{}",
        b"POST /config HTTP/1.1\r\nContent-Length: 100\r\n\r\n{}",
        b"POST /config HTTP/1.1\r\nContent-Length: \xd9\xa3\r\n\r\n{}",
        b"POST /config\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /config HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=[
        "no length",
        "negative length",
        "two lengths",
        "chunked",
        "huge length",
        "cut off",
        "digits of another script",
        "http 0.9",
        "tls",
        "500 headers",
        "long path",
    ],
)
def test_what_is_no_proper_request_is_an_error_and_the_guard_lives_on(serving: Running, head: bytes) -> None:
    status_line = serving.raw(head).partition(b"\r\n")[0]
    assert b" 200" not in status_line
    assert b" 204" not in status_line
    assert serving.signed(pull_request())[0] == 200


def test_a_hundred_silent_callers_do_not_keep_drone_from_its_answer(serving: Running) -> None:
    silent = [socket.create_connection(("127.0.0.1", serving.port)) for _ in range(100)]
    try:
        assert serving.signed(pull_request())[0] == 200
    finally:
        for connection in silent:
            connection.close()


def test_a_caller_cannot_write_a_line_of_the_log(serving: Running) -> None:
    serving.raw(b'POST /x%0a{"status":\xe2\x80\xa8200} HTTP/1.1\r\nContent-Length: 0\r\n\r\n')
    for line in serving.log.splitlines():
        assert set(json.loads(line)) >= {"time", "status", "reason"}


def test_no_secret_is_in_the_log(serving: Running) -> None:
    serving.signed(pull_request())
    serving.signed(pull_request("game/none"))
    assert CONFIG_SECRET.decode() not in serving.log
    assert VALIDATE_SECRET.decode() not in serving.log


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("pipelines/repositories.json", "{", "cannot be read as JSON"),
        ("pipelines/repositories.json", "[]", "one JSON object"),
        ("pipelines/repositories.json", '{"branch": "main", "repositories": {}}', "names no repository"),
        ("pipelines/repositories.json", '{"branch": "", "repositories": {"a/b": "team"}}', "must hold a branch"),
        ("pipelines/repositories.json", '{"branch": "main", "repositories": {"a/../b": "team"}}', "no repository"),
        ("pipelines/repositories.json", '{"branch": "main", "repositories": {"a/b": "../x"}}', "no repository"),
        ("pipelines/team.push.yaml", "", "must be one pipeline"),
        ("pipelines/team.push.yaml", "kind: pipeline\nname: @color@\n", "placeholder"),
        ("pipelines/team.push.yaml", "kind: pipeline\nx: ${DRONE_BRANCH}\n", r"has '${'"),
        ("secrets/config", "short", "32 characters"),
        ("secrets/config", VALIDATE_SECRET.decode(), "the same"),
    ],
)
def test_it_does_not_start_with_doubtful_files_and_says_why(running: Running, file: str, text: str, why: str) -> None:
    (running.folder / file).write_text(text)
    running.start()
    assert running.process is not None
    assert running.process.wait(timeout=LONGEST_WAIT) == 1
    assert why in running.log


def test_a_missing_template_keeps_it_from_starting(running: Running) -> None:
    (running.folder / "pipelines" / "component.push.yaml").unlink()
    running.start()
    assert running.process is not None
    assert running.process.wait(timeout=LONGEST_WAIT) == 1
    assert "component.push.yaml cannot be read" in running.log


def test_its_command_has_help(tmp_path: Path) -> None:
    shown = subprocess.run(
        [*mounted("guard", tmp_path), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=LONGEST_WAIT,
    )
    assert "--signatures" in shown.stdout

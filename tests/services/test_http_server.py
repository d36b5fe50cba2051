"""Bounds of the HTTP server that all programs share: headers, bodies, time, and connections at the same time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import pytest

from game_app.services.http_server import HEADERS, BadRequestError, BoundedHandler, BoundedServer, Limits
from game_app.services.prometheus_text import MetricsServer, metric, sample
from tests.support.waiting import LONGEST_WAIT

LIMITS: Final = Limits(body=1000, seconds=1, connections=4)


class Echo(BoundedHandler):
    """Answers with what was sent; `/slow` only once the test lets it."""

    let_go = threading.Event()

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        if self.path == "/slow":
            self.let_go.wait(LONGEST_WAIT)
        if self.path == "/broken":
            raise RuntimeError("a mistake")
        self.send(200, b"here\n", headers={"X-Own": "yes"})

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        try:
            self.send(200, self.body())
        except BadRequestError as refused:
            self.send(refused.status, f"{refused}\n".encode())


@contextmanager
def serving(server: BoundedServer) -> Generator[int]:
    """The port on which a server answers."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join(timeout=LONGEST_WAIT)


@pytest.fixture
def port() -> Generator[int]:
    Echo.let_go.clear()
    with serving(BoundedServer(("127.0.0.1", 0), Echo, LIMITS)) as number:
        yield number
    Echo.let_go.set()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT)


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection, or drops it."""
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


def raw(port: int, sent: bytes) -> bytes:
    with connected(port) as connection:
        # It refuses before all of it was sent.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        return received(connection)


def get(path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def post(length: object, body: bytes) -> bytes:
    return f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode() + body


def test_a_request_gets_its_answer(port: int) -> None:
    head, _, body = raw(port, post(5, b"hello")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert body == b"hello"
    assert b"X-Own: yes" in raw(port, get())
    assert raw(port, b"HEAD / HTTP/1.1\r\n\r\n").endswith(b"Content-Length: 5\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (post(1001, b"x" * 1001), b"413"),
        (post("9" * 5000, b""), b"413"),
        (post("-1", b""), b"411"),
        (post("5\r\nContent-Length: 5", b"hello"), b"411"),
        (post("5\r\nTransfer-Encoding: chunked", b"hello"), b"411"),
        (b"GET /" + b"a" * HEADERS + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * HEADERS + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X: %d\r\n" % n for n in range(200)) + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * (HEADERS // 90) + b"\r\n" + b"Y: y\r\n" * 50 + b"\r\n", b"200"),
        (post(1000, b"x" * 1000), b"200"),
    ],
    ids=[
        "long body",
        "length of 5,000 digits",
        "negative",
        "two lengths",
        "chunked",
        "long path",
        "long header",
        "200 headers",
        "headers below the limit",
        "body at the limit",
    ],
)
def test_headers_and_bodies_are_bounded(port: int, sent: bytes, status: bytes) -> None:
    assert raw(port, sent).split(b" ")[1] == status


@pytest.mark.parametrize("part", [b"GET / HTTP/1.1\r\n", post(500, b"")], ids=["headers", "body"])
def test_who_sends_a_byte_now_and_then_is_cut_off_when_the_time_is_over(port: int, part: bytes) -> None:
    began = time.monotonic()
    with connected(port) as connection:
        connection.sendall(part + (b"X: " if part.startswith(b"GET") else b""))
        ended = threading.Event()

        def drip() -> None:
            while not ended.wait(0.1):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            received(connection)
        finally:
            ended.set()
            dripping.join(timeout=LONGEST_WAIT)
    assert time.monotonic() - began < 2.5 * LIMITS.seconds


def test_silent_callers_hold_their_places_no_longer_than_the_limit(port: int) -> None:
    began = time.monotonic()
    silent = [connected(port) for _ in range(3 * LIMITS.connections)]
    try:
        assert raw(port, get()).startswith(b"HTTP/1.0 200")
    finally:
        for connection in silent:
            connection.close()
    assert time.monotonic() - began < LONGEST_WAIT


def test_no_more_requests_are_worked_on_than_there_are_places(port: int) -> None:
    slow = [connected(port) for _ in range(LIMITS.connections)]
    try:
        for connection in slow:
            connection.sendall(get("/slow"))
        time.sleep(0.3)
        with connected(port) as late:
            late.sendall(get())
            late.settimeout(0.3)
            with pytest.raises(TimeoutError):
                late.recv(1)
            Echo.let_go.set()
            late.settimeout(LONGEST_WAIT)
            assert received(late).startswith(b"HTTP/1.0 200")
        assert all(received(connection).startswith(b"HTTP/1.0 200") for connection in slow)
    finally:
        for connection in slow:
            connection.close()


def test_a_mistake_costs_one_answer_and_no_place(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2 * LIMITS.connections):
        assert raw(port, get("/broken")) == b""
    assert raw(port, get()).startswith(b"HTTP/1.0 200")
    assert '"reason": "RuntimeError"' in capfd.readouterr().err


def test_a_thread_that_cannot_begin_costs_one_answer_and_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with serving(BoundedServer(("127.0.0.1", 0), Echo, LIMITS)) as port:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refused)
            for _ in range(2 * LIMITS.connections):
                assert raw(port, get()) == b""
        assert raw(port, get()).startswith(b"HTTP/1.0 200")


def test_nothing_of_a_request_is_logged_or_answered_when_it_is_none(
    port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert b"hostile" not in raw(port, b"hostile words HTTP/9.9\r\n\r\n")
    assert b"hostile" not in raw(port, b"hostile /words HTTP/1.1\r\n\r\n")
    assert "hostile" not in capfd.readouterr().err


def test_metrics_are_served_at_one_path_alone() -> None:
    def exposition() -> str:
        return "\n".join([*metric("x_total", "counter", "Exes."), sample("x_total", 3, team="red"), ""])

    with serving(MetricsServer(("127.0.0.1", 0), exposition)) as port:
        assert raw(port, get("/metrics")).endswith(
            b'# HELP x_total Exes.\n# TYPE x_total counter\nx_total{team="red"} 3\n'
        )
        assert raw(port, get("/")).startswith(b"HTTP/1.0 404")
        assert raw(port, b"GET /metrics HTTP/1.1\r\nX: " + b"a" * HEADERS).startswith(b"HTTP/1.0 431")

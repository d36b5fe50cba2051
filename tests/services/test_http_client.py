"""Bounds of the HTTP client that all programs share: size and time of an answer, and where credentials go."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Final

import pytest

from game_app.services.bounded_reader import Deadline
from game_app.services.http_client import HttpClient, ServiceError, StatusError
from tests.support.waiting import LONGEST_WAIT

LARGEST: Final = 10_000
Answering = Callable[[bytes], Iterable[bytes]]
"""Pieces of the answer to a request's head."""


@contextmanager
def service(answer: Answering, wait: float = 0) -> Generator[str]:
    """The address of a service that answers each connection so, and waits so long after each piece."""
    ended = threading.Event()

    def serve(listening: socket.socket) -> None:
        while not ended.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    for piece in answer(connection.recv(65536)):
                        connection.sendall(piece)
                        if wait and ended.wait(wait):
                            return
                except OSError:
                    continue  # The client has had enough.

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=LONGEST_WAIT)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def client(url: str) -> HttpClient:
    return HttpClient("the other", url, {"Authorization": "secret"}, largest=LARGEST)


def test_an_answer_is_read_as_json() -> None:
    asked: list[bytes] = []

    def once(head: bytes) -> Iterable[bytes]:
        asked.append(head)
        yield answer(b'{"a": 1}', "200 OK", "ETag: x")

    with service(once) as url:
        found = client(url).ask("POST", "/things?a=b", Deadline(LONGEST_WAIT), body={"b": 2})
    assert (found.status, found.json, found.headers["ETag"]) == (200, {"a": 1}, "x")
    head, _, _ = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/things?a=b HTTP/1.1\r\n")
    assert b"Authorization: secret" in head


def test_an_answer_in_pieces_is_read_whole() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\n[1,\r\n", b"2\r\n2]\r\n", b"0\r\n\r\n"]
    with service(lambda _: pieces, wait=0.05) as url:
        assert client(url).get("/", Deadline(LONGEST_WAIT)) == [1, 2]


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "403 No"])
def test_a_status_is_an_error_unless_it_is_accepted(status: str) -> None:
    with service(lambda _: [answer(b'{"message": "no"}', status)]) as url:
        number = int(status[:3])
        with pytest.raises(StatusError, match=f"^the other answered {number}$") as raised:
            client(url).ask("GET", "/", Deadline(LONGEST_WAIT))
        assert raised.value.answer.body == b'{"message": "no"}'
        assert client(url).ask("GET", "/", Deadline(LONGEST_WAIT), accept=(number,)).status == number
        if number == 404:
            assert client(url).get("/", Deadline(LONGEST_WAIT)) is None


HUGE: dict[str, Answering] = {
    "by its length": lambda _: [answer(b"x" * (LARGEST + 1))],
    "by a length that is never sent": lambda _: [
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"x" * 20_000,
    ],
    "without a length": lambda _: itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"x" * 5000)),
    "in pieces": lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
    ),
    "in one piece": lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n"], itertools.repeat(b"x" * 1000)
    ),
    "in its headers": lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: " + b"x" * 5000 + b"\r\n")
    ),
}


@pytest.mark.parametrize("how", HUGE)
def test_no_more_than_the_limit_is_read_of_an_answer(how: str) -> None:
    with service(HUGE[how]) as url, pytest.raises(ServiceError, match=f"answered more than {LARGEST} bytes"):
        client(url).get("/", Deadline(LONGEST_WAIT))


def test_an_answer_at_the_limit_is_read() -> None:
    with service(lambda _: [answer(json.dumps("x" * (LARGEST - 2)).encode())]) as url:
        assert client(url).get("/", Deadline(LONGEST_WAIT)) == "x" * (LARGEST - 2)


SLOW: dict[str, Answering] = {
    "silent": lambda _: [b"" for _ in range(100)],
    "a byte of the headers now and then": lambda _: itertools.repeat(b"x"),
    "a header now and then": lambda _: itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: y\r\n")),
    "a byte of the body now and then": lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], itertools.repeat(b"x")
    ),
}


@pytest.mark.parametrize("how", SLOW)
def test_nobody_is_waited_for_beyond_the_deadline(how: str) -> None:
    with service(SLOW[how], wait=0.05) as url:
        began = time.monotonic()
        with pytest.raises(ServiceError, match=r"^the other did not answer in time$"):
            client(url).get("/", Deadline(0.5))
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1]", b"\x16\x03\x01\x02\x00\x01\x00\r\n"],
    ids=["closed", "cut off in the body", "no HTTP"],
)
def test_half_an_answer_is_none(sent: bytes) -> None:
    with service(lambda _: [sent]) as url, pytest.raises(ServiceError):
        client(url).get("/", Deadline(LONGEST_WAIT))


def test_a_service_that_is_not_there_is_named() -> None:
    with service(lambda _: []) as url:
        pass
    with pytest.raises(ServiceError, match=r"^the other did not answer in time$"):
        client(url).get("/", Deadline(LONGEST_WAIT))
    with pytest.raises(ServiceError, match=r"^the other did not answer in time$"):
        client(url).get("/", Deadline(0))


def test_a_redirect_is_followed_to_the_same_place_and_no_other_gets_the_credentials() -> None:
    seen: list[bytes] = []

    def elsewhere(head: bytes) -> Iterable[bytes]:
        seen.append(head)
        yield answer(b"[]")

    with service(elsewhere) as other:

        def leading(head: bytes) -> Iterable[bytes]:
            path = head.split(b" ")[1]
            if path == b"/api/old":
                yield answer(b"", "301 Moved", "Location: /api/new")
            elif path == b"/api/away":
                yield answer(b"", "302 Found", f"Location: {other}/things")
            elif path == b"/api/round":
                yield answer(b"", "302 Found", "Location: /api/round")
            else:
                yield answer(b"[1]")

        with service(leading) as url:
            assert client(url).get("/old", Deadline(LONGEST_WAIT)) == [1]
            with pytest.raises(ServiceError, match="leads to another place"):
                client(url).get("/away", Deadline(LONGEST_WAIT))
            with pytest.raises(StatusError, match="302"):
                client(url).get("/round", Deadline(LONGEST_WAIT))
            with pytest.raises(StatusError, match="301"):
                client(url).ask("POST", "/old", Deadline(LONGEST_WAIT), body={})
    assert not seen

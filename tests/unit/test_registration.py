"""The manifest with which a board joins Rancher is read from one that is only just up, too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from board.rancher_import import registration

MANIFEST = "kind: Namespace"

Handler = BaseHTTPRequestHandler


@contextmanager
def rancher(*answers: Callable[[Handler], None]) -> Generator[str]:
    """The URL of a server that gives each answer once, and the last one from then on."""
    left = list(answers)

    class Answering(Handler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            (left.pop(0) if len(left) > 1 else left[0])(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v3/import/a-token_c-blue.yaml"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def whole(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(MANIFEST.encode())


def cut_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"kind: ")


def not_yet(handler: Handler) -> None:
    handler.send_error(503)


def no_word(handler: Handler) -> None:
    handler.close_connection = True


def no_pause(_seconds: float) -> None:
    """Takes no time."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    def reading(url: str) -> str:
        monkeypatch.setattr(time, "sleep", no_pause)
        exec(compile(registration(url, None), "<stdin>", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own
        return capsys.readouterr().out.strip()

    return reading


@pytest.mark.parametrize("fault", [cut_off, not_yet, no_word])
def test_a_rancher_that_stumbles_is_asked_again(read: Callable[[str], str], fault: Callable[[Handler], None]) -> None:
    with rancher(fault, whole) as url:
        assert read(url) == MANIFEST


@pytest.mark.parametrize("fault", [cut_off, not_yet, no_word])
def test_one_that_goes_on_stumbling_is_reported_without_the_token(
    read: Callable[[str], str], fault: Callable[[Handler], None]
) -> None:
    with rancher(fault) as url, pytest.raises(SystemExit, match="Rancher does not give the manifest") as caught:
        read(url)
    assert "a-token" not in str(caught.value)

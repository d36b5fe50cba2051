"""What an operator reads while the engine waits for pods whose image is nowhere."""

from __future__ import annotations

import io
import time
from pathlib import Path

from rich.console import Console

from rehearsal.absent_images_watch import telling_absent_images
from rehearsal.kapsule.absent_images import absent_images_file
from rehearsal.session import Session

LINE = "game/hunt: image registry.example/hunt:1 is not built here"


def test_an_image_that_is_nowhere_is_told_once_and_while_the_engine_still_waits(tmp_path: Path) -> None:
    cluster = tmp_path / "kapsule" / "blue-id"
    cluster.mkdir(parents=True)
    screen = io.StringIO()
    with telling_absent_images(Session("mine", tmp_path, 10), Console(file=screen, width=200)):
        assert not screen.getvalue()
        absent_images_file(cluster).write_text(f"{LINE}\n")
        until = time.monotonic() + 60
        while LINE not in screen.getvalue() and time.monotonic() < until:
            time.sleep(0.05)
    assert screen.getvalue() == f"error: {LINE}\n"


def test_nothing_is_told_of_boards_whose_pods_have_their_images(tmp_path: Path) -> None:
    screen = io.StringIO()
    with telling_absent_images(Session("mine", tmp_path, 10), Console(file=screen)):
        pass
    assert not screen.getvalue()

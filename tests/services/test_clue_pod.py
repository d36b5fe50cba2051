"""Program of the clue pod, run by this machine's shell."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from game_app.hunt import clue_pod

SCRIPT = Path(clue_pod.__file__).with_suffix(".sh")


def test_told_to_end_it_ends_at_once_though_it_rests(tmp_path: Path) -> None:
    (tmp_path / "bell").write_text("its word is abc.")
    env = {"PATH": os.environ["PATH"], "CLUES": str(tmp_path), "ROUND": "40"}
    with subprocess.Popen(["sh", "-c", SCRIPT.read_text()], env=env, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("wind:")
        began = time.monotonic()
        running.terminate()
        assert running.wait(timeout=60) == 0
        # Each rest takes ten seconds.
        assert time.monotonic() - began < 5


def test_each_round_has_each_clue_once(tmp_path: Path) -> None:
    (tmp_path / "bell").write_text("its word is abc.")
    env = {"PATH": os.environ["PATH"], "CLUES": str(tmp_path), "ROUND": "0"}
    with subprocess.Popen(["sh", "-c", SCRIPT.read_text()], env=env, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = [running.stdout.readline().strip() for _ in range(10)]
        running.terminate()
    assert said.count("its word is abc.") == 2

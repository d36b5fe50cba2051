"""The hook that reads a commit's first line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).parents[2] / ".ci" / "commit-subject"


def refused(folder: Path, message: str) -> str:
    (folder / "message").write_text(message)
    done = subprocess.run([HOOK, folder / "message"], capture_output=True, text=True, check=False, timeout=10)
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize(
    "subject",
    [
        "bind9: refuse transfers",
        "game_app: hand settings on whole",
        "k3s, plugins: split by idea",
        "docs: say why\n\nA body of any length.",
        "Merge branch 'x'",
    ],
)
def test_an_area_and_an_imperative_pass(tmp_path: Path, subject: str) -> None:
    assert refused(tmp_path, subject) == ""


@pytest.mark.parametrize("subject", ["Refuse transfers", "bind9 refuse transfers", "bind9: refuse transfers."])
def test_another_form_is_refused_and_shown(tmp_path: Path, subject: str) -> None:
    assert refused(tmp_path, subject).endswith(f"such as 'bind9: refuse transfers': {subject}\n")


def test_the_length_is_said(tmp_path: Path) -> None:
    assert "has 73 characters, and 72 are allowed" in refused(tmp_path, "bind9: " + 66 * "x")

"""What `make preview` and `make up` do about costs, with programs that only say how they were called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAYS = '#!/bin/sh\necho "$(basename "$0") $*"\nexit {status}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    program(tmp_path / ".venv" / "bin" / "python")
    program(tmp_path / "bin" / "pulumi")
    for mark in (".made", ".program"):
        (tmp_path / ".venv" / mark).touch()
    return tmp_path


def program(path: Path, status: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SAYS.format(status=status))
    path.chmod(0o755)


def make(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["make", "--silent", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith(("python ", "pulumi "))]


def test_an_update_asks_first_whether_a_day_costs_too_much(folder: Path) -> None:
    status, called = make(folder, "up", "STACK=dev")
    assert status == 0
    assert called == ["python -m cli cost dev --check", "pulumi up --stack dev"]


def test_an_update_that_costs_too_much_does_not_begin(folder: Path) -> None:
    program(folder / ".venv" / "bin" / "python", status=1)
    status, called = make(folder, "up", "STACK=dev")
    assert status != 0
    assert called == ["python -m cli cost dev --check"]


def test_an_update_that_is_told_begins_all_the_same(folder: Path) -> None:
    program(folder / ".venv" / "bin" / "python", status=1)
    assert make(folder, "up", "STACK=dev", "ALLOW_COST=yes") == (0, ["pulumi up --stack dev"])


def test_a_preview_is_followed_by_the_costs_and_stands_without_them(folder: Path) -> None:
    program(folder / ".venv" / "bin" / "python", status=1)
    status, called = make(folder, "preview", "STACK=dev", "DAYS=3")
    assert status == 0
    assert called == ["pulumi preview --stack dev", "python -m cli cost dev --days 3"]


def test_a_preview_that_fails_has_no_costs(folder: Path) -> None:
    program(folder / "bin" / "pulumi", status=255)
    status, called = make(folder, "preview", "STACK=dev")
    assert status != 0
    assert called == ["pulumi preview --stack dev"]

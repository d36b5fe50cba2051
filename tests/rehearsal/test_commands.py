"""What the rehearsal's commands refuse before they do anything, and what they say when they are stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal import background
from rehearsal.processes import ProcessError
from rehearsal.session import Block, Service, at_work, claim
from tests.support.tools import tools

ROOT = Path(__file__).parents[2]


def rehearsal(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", ["up", "down"])
def test_two_commands_do_not_work_on_one_rehearsal(command: str) -> None:
    name = f"held-{os.getpid()}"
    with at_work(name):
        done = rehearsal(command, "--name", name)
    assert done.returncode == 1
    assert f"Process {os.getpid()} is at work on the rehearsal '{name}'" in done.stdout
    with at_work(name):
        """It is free again."""


def test_what_a_shell_is_to_run_is_never_an_error_or_progress() -> None:
    name = f"held-{os.getpid()}"
    with at_work(name):
        done = rehearsal("cloud", "--name", name)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"is at work on the rehearsal '{name}'" in done.stderr


@pytest.mark.parametrize(("command", "again"), [("up", "rehearse"), ("cloud", "cloud")])
def test_one_that_is_interrupted_says_the_commands_for_this_very_rehearsal(
    command: str, again: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    name = f"cut-{os.getpid()}"
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "rehearsal", command, "--name", name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as started:
        assert started.stdout
        assert f"Rehearsal {name} on" in started.stdout.readline()
        started.send_signal(signal.SIGINT)
        printed = started.stdout.read()
    assert started.returncode == 130, printed
    assert f"'make {again} NAME={name}' goes on from here" in printed
    assert f"'make rehearse-down NAME={name}' removes everything" in printed
    assert "Nothing is left" in rehearsal("down", "--name", name).stdout


def test_a_port_that_is_taken_is_named_with_the_commands_for_this_very_rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    session = claim(f"taken-{os.getpid()}")
    host = session.address(Block.SERVICES, Service.CHARTS)
    programs = tools()
    try:
        with socket.create_server((host, 8080)), pytest.raises(ProcessError) as caught:
            asyncio.run(background.ensure_running(session, programs.control_plane, programs.named("pebble").path))
        said = str(caught.value)
        assert f"('{host}', 8080): address already in use: end what listens there; 'ss -ltnp' names it." in said
        assert "Traceback" not in said
        assert f"Run 'make rehearse-down NAME={session.name}', then 'make rehearse NAME={session.name}' again." in said
    finally:
        asyncio.run(background.stop(session))
        assert "Nothing is left" in rehearsal("down", "--name", session.name).stdout

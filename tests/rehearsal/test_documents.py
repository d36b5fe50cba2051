"""README and docs, typed as printed: a fresh clone, a shell with a terminal, and the rehearsal's cloud.

What is asked on the way is answered as a person would. The commands run in the documents' order; what cannot run here
is listed with its reason, and anything new in a document runs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pexpect
import pytest

from tests.rehearsal.documents import ROOT, Command, commands
from tests.support.tools import tools

pytestmark = pytest.mark.timeout(4500)

DOCUMENTS: Final = ("README.md", "docs/operations.md", "docs/backup.md", "docs/swap.md", "docs/destroy.md")
ENDS_IT: Final = "make destroy STACK=dev"
ELSEWHERE: Final = {
    "make rehearse": "tests/rehearsal/event raises one",
    "make rehearse-down": "it would take this cloud away",
    "make play": "it waits for a person; tests/attacks/test_play.py runs it",
    "make test": "it is what runs this",
}
"""Commands of the documents that are not typed here, and why."""
LONGEST: Final = 1500
"""Seconds that one command may take."""
ANSWERS: Final = {
    r"perform this (update|destroy)\?": "yes",
    r"to destroy it: ": "dev",
}
"""What is asked on the way, and what a person types."""
_COLOURS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


class Shell:
    """A person's shell in a fresh clone."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.clone = folder
        self._environment = environment
        self.said: dict[str, str] = {}

    def eval(self, printed: str) -> None:
        """Take over the exports that a command printed."""
        script = f"{printed}\nenv -0"
        done = subprocess.run(
            ["bash", "-c", script], env=self._environment, capture_output=True, text=True, check=True, timeout=60
        )
        self._environment = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if "=" in entry)

    def half_of_the_key(self, command: str) -> str:
        """The half of Scaleway's API key that a command asks for: the cloud's own, for its console makes no other."""
        values = json.loads(Path(self._environment["VALUES"]).read_text())["scaleway"]
        return next((half for name, half in values.items() if f"scaleway.{name}" in command), "")

    def types(self, command: str) -> str:
        """Type a command, answer what it asks, and give what it printed; it must work."""
        answers = {**ANSWERS, r"value: ": self.half_of_the_key(command)}
        child: pexpect.spawn[str] = pexpect.spawn(
            "bash",
            ["-c", command],
            cwd=str(self.clone),
            env=self._environment,
            encoding="utf-8",
            timeout=LONGEST,
            # The engine draws its progress anew many times a second, at a cost of processor for each character.
            dimensions=(24, 120),
        )
        printed = ""
        questions = list(answers)
        while (found := child.expect([*questions, pexpect.EOF])) < len(questions):
            printed += str(child.before) + str(child.after)
            # A prompt is drawn anew with each key, and means one answer. Enter is a carriage return: where the engine
            # reads key by key, a line feed is another key.
            child.send(answers[questions.pop(found)] + "\r")
        printed = _COLOURS.sub("", printed + str(child.before)).replace("\r", "")
        child.close()
        assert child.exitstatus == 0, f"{command} ended with {child.exitstatus}:\n{printed[-6000:]}"
        self.said[command] = printed
        return printed


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shell]:
    """A fresh clone with the cloud of a rehearsal of its own; the Python packages are those that are there."""
    clone = tmp_path_factory.mktemp("clone") / "shambhala"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    (clone / ".venv").symlink_to(Path(sys.prefix))
    name = f"docs-{os.getpid()}"
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "PYTHON": sys.executable,
        # Backups go below it.
        "XDG_DATA_HOME": str(tmp_path_factory.mktemp("data")),
        "PATH": f"{os.environ['PATH']}{os.pathsep}{tools().control_plane}",
    }
    make = ["make", "-s", f"NAME={name}"]
    try:
        cloud = subprocess.run(
            [*make, "cloud"], cwd=clone, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        made = Shell(clone, environment)
        made.eval(cloud.stdout)
        yield made
    finally:
        subprocess.run([*make, "rehearse-down"], cwd=clone, env=environment, check=True)


def listed() -> list[Command]:
    """The commands in the order in which they are typed: what ends the environment comes last."""
    found = [each for document in DOCUMENTS for each in commands(document) if each.text not in ELSEWHERE]
    return [each for each in found if each.text != ENDS_IT] + [each for each in found if each.text == ENDS_IT][:1]


def test_every_command_that_is_not_typed_here_stands_in_a_document() -> None:
    everything = {each.text for document in DOCUMENTS for each in commands(document)}
    assert everything >= {*ELSEWHERE, ENDS_IT}


def test_the_documents_commands_work_as_printed_and_nothing_is_left(shell: Shell) -> None:
    for each in listed():
        began = time.monotonic()
        try:
            shell.types(each.text)
        except AssertionError as error:
            raise AssertionError(f"{each.where}: {error}") from error
        # Shown with `pytest -s`, and when a later one fails.
        print(f"{time.monotonic() - began:6.1f} s  {each.where}: {each.text}", flush=True)
    sheets = shell.clone / "sheets"
    assert {sheet.name for sheet in sheets.iterdir()} >= {"sheets.html", "green.kubeconfig"}
    assert "Nothing of the environment dev is left at Scaleway." in shell.said[ENDS_IT]
    # Nor is anything left for a second look, without the state.
    assert "Nothing of the environment dev is left at Scaleway." in shell.types("make leftovers STACK=dev")

"""`make init` where it cannot be, with the real engine: one sentence each, and nothing is written."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from common.settings import parse
from tests.commands.cli.place import ENOUGH, ROOT, Place

ONE_SENTENCE = 1
"""Lines on standard error."""


def refused(place: Place, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command says that ends with one sentence, and leaves nothing behind."""
    assert place.init(*arguments) == 1
    said = capsys.readouterr()
    assert not said.out
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == ONE_SENTENCE
    assert not place.stacks
    return said.err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"operators": {"cidrs": ["10.8.0.7"]}}, 'shambhala:operators.cidrs[0] = "10.8.0.7": must be an IPv4'),
        ({"operators": {"cidr": ["10.8.0.0/24"]}}, "did you mean cidrs?"),
        ({"scaleway": {"secretKey": "hunter2"}}, "shambhala:scaleway.secretKey = (hidden): must be a Scaleway"),
        ({"teams": {"file": "none.txt"}}, "shambhala:teams.file"),
        ({"environment": "production"}, "must be the environment of the stack"),
    ],
)
def test_what_is_given_and_cannot_be_is_refused_before_anything_is_written(
    place: Place, capsys: pytest.CaptureFixture[str], given: object, says: str
) -> None:
    assert place.init("dev", "--values", place.gives(given)) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: what was given cannot be; nothing was written:\n")
    assert says in said
    assert "hunter2" not in said
    assert "pulumi config" not in said, "it is to be corrected where it was given"
    assert not place.stacks
    assert not place.file("dev").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("domain: [hunter2-hunter2", "is neither JSON nor YAML in line"),
        ("hunter2-hunter2", "must hold an object of settings"),
        ("domain: 2026-01-01", "is neither JSON nor YAML"),
        ("[" * 10_000, "is neither JSON nor YAML"),
    ],
)
def test_a_file_that_is_none_is_refused_and_not_repeated(
    place: Place, capsys: pytest.CaptureFixture[str], content: str, says: str
) -> None:
    said = refused(place, capsys, "dev", "--values", place.gives(content))
    assert says in said
    assert "hunter2" not in said


def test_a_file_that_is_not_there_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert "/none.json cannot be read" in refused(place, capsys, "dev", "--values", "/none.json")


@pytest.mark.parametrize(
    ("stack", "says"),
    [
        ("prod", "'prod' is no environment: the stack must be called dev, staging, production, rehearsal"),
        ("organization/other/dev", "stack organization/other/dev is of the project other"),
    ],
)
def test_a_stack_of_no_environment_and_of_another_project_are_refused(
    place: Place, capsys: pytest.CaptureFixture[str], stack: str, says: str
) -> None:
    assert says in refused(place, capsys, stack)
    assert not place.calls


def test_without_a_backend_it_says_the_two_commands(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.lacks("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")
    said = refused(place, capsys, "dev")
    assert f"'{place.engine} login file://~'" in said
    assert "'export PULUMI_CONFIG_PASSPHRASE_FILE=FILE'" in said


def test_without_a_passphrase_it_says_the_command(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.lacks("PULUMI_CONFIG_PASSPHRASE")
    assert "'export PULUMI_CONFIG_PASSPHRASE_FILE=FILE'" in refused(place, capsys, "dev")
    assert not place.file("dev").exists()


def test_a_passphrase_file_that_is_not_there_is_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.lacks("PULUMI_CONFIG_PASSPHRASE")
    place.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = "/none"
    assert "The file that PULUMI_CONFIG_PASSPHRASE_FILE names cannot be read" in refused(place, capsys, "dev")


def test_a_wrong_passphrase_is_one_sentence(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.init("dev", "--values", place.gives(ENOUGH))
    before = place.file("dev").read_text()
    capsys.readouterr()
    place.environment["PULUMI_CONFIG_PASSPHRASE"] = "another one"
    assert place.init("dev") == 1
    said = capsys.readouterr().err
    assert said.startswith("error: This is an incorrect passphrase for stack dev: run ")
    assert said.count("\n") == ONE_SENTENCE
    assert place.file("dev").read_text() == before


def test_a_missing_engine_is_one_sentence(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.engine.unlink()
    assert "or name it with --pulumi." in refused(place, capsys, "dev")


def test_an_engine_that_takes_no_secrets_from_its_environment_is_told(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.does("unset PULUMI_OPTION_SECRET")
    assert place.init("dev", "--values", place.gives(ENOUGH)) == 1
    said = capsys.readouterr().err
    assert "Pulumi did not write " in said
    assert "update it to 3.215 or newer" in said


def in_a_session_of_its_own(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process group that a test may send signals to, as a terminal does: the engine gets them too."""
    command = [sys.executable, "-m", "cli", "init", *arguments, "--pulumi", str(place.engine)]
    return subprocess.run(
        [*command, "--project", str(place.project)],
        cwd=ROOT,
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


def test_ctrl_c_while_it_writes_waits_until_all_is_written(place: Place) -> None:
    place.does('case "$*" in "stack select"* | "config set-all"*) kill -INT 0 ;; esac')
    done = in_a_session_of_its_own(place, "dev", "--values", place.gives(ENOUGH))
    assert done.returncode == 0, done.stderr
    assert parse(place.settings("dev"), "dev")


def test_ctrl_c_before_leaves_nothing(place: Place) -> None:
    place.does('case "$*" in "config --json"*) kill -INT 0; sleep 30 ;; esac')
    done = in_a_session_of_its_own(place, "dev")
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "\nStopped: nothing was written. 'make init STACK=dev' may be run again.\n"
    assert not place.stacks
    assert not place.file("dev").exists()


def test_a_folder_that_is_not_there_is_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.project = place.project / "none"
    assert place.init("dev") == 2
    assert "does not exist" in capsys.readouterr().err

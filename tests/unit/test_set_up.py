"""The first minute on a fresh clone: what `make` says and does before any package is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_A_NODE = ("containerd", "coredns", "pause")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the Makefile alone, whose program needs no package."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("# none\n")
    return tmp_path


def make(folder: Path, *arguments: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
    """make as typed in a shell of its own: not as a part of the make that runs the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", f"PYTHON={sys.executable}", *arguments],
        cwd=folder,
        env=environment,
        user=user,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=110,
    )


def test_a_virtual_environment_that_was_cut_short_in_the_making_is_made_anew(clone: Path) -> None:
    half = clone / ".venv" / "bin"
    half.mkdir(parents=True)
    (half / "python").symlink_to(sys.executable)
    done = make(clone, "setup")
    assert done.returncode == 0, done.stdout
    assert "Installing the Python packages of requirements.txt into .venv" in done.stdout
    assert (half / "pip").exists()
    again = make(clone, "setup")
    assert "Nothing to be done" in again.stdout, again.stdout


def test_a_user_who_is_not_root_reads_one_sentence_before_anything_is_installed(tmp_path: Path) -> None:
    assert os.geteuid() == 0, "this asks as somebody who is not root"
    shutil.copy(ROOT / "Makefile", tmp_path)
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents:
        if folder.name.startswith("pytest"):
            folder.chmod(folder.stat().st_mode | 0o055)
    done = make(tmp_path, "rehearse", user=65534)
    assert done.returncode != 0
    assert done.stdout.splitlines()[0].startswith("This needs root")
    assert not (tmp_path / ".venv").exists()


def test_help_has_a_line_for_each_command() -> None:
    listed = re.findall(r"^  make (\S+)", make(ROOT, "help").stdout, re.MULTILINE)
    assert {"rehearse", "preview", "up", "destroy", "backup", "restore"} <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    "command",
    ["init", "doctor", "cost", "preview", "up", "recover", "sheets", "backup", "restore", "destroy", "leftovers"],
)
def test_options_are_handed_to_every_command(command: str) -> None:
    printed = make(ROOT, "--dry-run", command, "STACK=staging", "OPTIONS=--help").stdout.splitlines()
    assert printed[-1].startswith(f".venv/bin/python -m cli {command} staging ")
    assert printed[-1].endswith(" --help")


def test_readme_asks_for_the_newest_go_that_a_module_needs() -> None:
    modules = (ROOT / "rehearsal" / "toolchain" / "modules").glob("*/go.mod")
    needed = [re.findall(r"^go (\d+)\.(\d+)(?:\.(\d+))?$", module.read_text(), re.MULTILINE)[0] for module in modules]
    newest = max(tuple(int(part or 0) for part in version) for version in needed)
    assert f"Go {'.'.join(map(str, newest))} or newer" in (ROOT / "README.md").read_text()


def test_an_ssh_agent_that_is_gone_stops_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    (tmp_path / "Makefile").write_text(
        f'include {ROOT / "Makefile"}\nagent:\n\t@echo "agent: $${{SSH_AUTH_SOCK-none}}"\n'
    )
    assert make(tmp_path, "agent").stdout == "agent: none\n"


def plan(cache: Path, *options: str, **environment: str) -> list[str]:
    """What a machine whose cache is empty is told that it lacks."""
    done = subprocess.run(
        # -S: a Python without anything that was installed into it.
        [sys.executable, "-S", "-m", "rehearsal.plan", *options],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.splitlines()


def test_the_plan_needs_no_package_and_names_what_is_missing_and_how_long_it_takes(tmp_path: Path) -> None:
    lines = plan(tmp_path, "--tests")
    built = ("engine", "kubernetes", "scaleway", "control plane", "pebble", "helm", "drone", "gitea", *OF_A_NODE)
    for program in built:
        assert any(re.match(rf"  {program} \d.*about [\d.]+ min$", line) for line in lines), lines
    assert re.match(r"At most about \d+ minutes", lines[-1])
    assert lines[0] == f"This machine lacks {len(lines) - 2} things, which come first:"


def test_the_plan_names_what_a_node_runs_where_real_nodes_are_asked_for(tmp_path: Path) -> None:
    said = "\n".join(plan(tmp_path, NODES="real"))
    assert [program for program in OF_A_NODE if f"  {program} " in said] == list(OF_A_NODE)
    said = "\n".join(plan(tmp_path, NODES="simulated"))
    assert [program for program in OF_A_NODE if f"  {program} " in said] == []

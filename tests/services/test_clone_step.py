"""First step of every build, run as the runner runs it, with a repository of this machine in Gitea's place."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.services.test_tool_settings import PIPELINES
from tests.support.kube_runner import SHELL, script

EARLY_EXIT = 78
"""Code with which a step ends a build early, and as a success. Source: docs.drone.io, "Early exit"."""


class Repository:
    """A repository with one branch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "game" / "team-red.git"
        self.folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=ada", "-c", "user.email=ada@players.invalid")
        command = ["git", "-C", str(self.folder), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def commit(self) -> str:
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        return self.git("rev-parse", "HEAD")


def code(folder: Path, kind: str, commit: str) -> int:
    """Code of the step for a build of a commit of the main branch."""
    pod = folder / f"pod-{commit[:7]}"
    pod.mkdir()
    (pod / ".netrc").write_text("machine git.example login x password y")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(pod),
        "DRONE_SCRIPT": script(PIPELINES[kind]["steps"][0]),
        "DRONE_COMMIT_REF": "refs/heads/main",
        "DRONE_COMMIT_SHA": commit,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "http://gitea.example:3000/",
    }
    return subprocess.run(SHELL, cwd=pod, env=environment, capture_output=True, check=False).returncode


@pytest.mark.parametrize("kind", PIPELINES)
def test_of_two_merges_in_a_row_the_first_is_skipped_and_a_check_of_what_is_gone_is_red(
    tmp_path: Path, kind: str
) -> None:
    repository = Repository(tmp_path)
    first = repository.commit()
    assert code(tmp_path, kind, first) == 0
    (tmp_path / f"pod-{first[:7]}").rename(tmp_path / "earlier")
    second = repository.commit()
    assert code(tmp_path, kind, first) == (EARLY_EXIT if kind.endswith(".push") else 1)
    assert code(tmp_path, kind, second) == 0

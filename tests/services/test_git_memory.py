"""Memory that git takes at Gitea for one request, whatever was pushed before."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from game_app.scm.gitea.app_ini import GIT_SCRIPT, GiteaSettings, app_ini

MEBIBYTE: Final = 2**20
BOUND_MIB: Final = 256
CONTENTS: Final[Mapping[str, Sequence[bytes]]] = {
    # Larger than what git reads whole, and the most that it does: as few and as many lines as there can be.
    "huge.txt": [bytes(96 * MEBIBYTE), bytes(96 * MEBIBYTE) + b"x"],
    "lines.txt": [b"\n" * (16 * MEBIBYTE - 1), b"0\n" * (8 * MEBIBYTE - 1)],
}
"""Each version of each file, all of which a push of less than a MiB holds."""
READINGS: Final[Mapping[str, Sequence[str]]] = {
    # Source: gitea, services/gitdiff/gitdiff.go; modules/git: diff.go, blame.go, log_name_status.go
    "a commit's page": ("diff", "--src-prefix=\\a/", "--dst-prefix=\\b/", "-M", "main~1", "main"),
    "a diff": ("show", "--no-color", "main"),
    "a binary diff": ("diff", "-p", "--binary", "main~3", "main"),
    "a patch": ("format-patch", "--no-signature", "--stdout", "--binary", "main~3...main"),
    "a blame": ("blame", "--porcelain", "main", "--", "lines.txt"),
    "a file's commits": ("log", "--name-status", "--numstat", "main"),
    "a comparison": ("diff", "--shortstat", "-M", "main~3...main"),
    "a clone": ("pack-objects", "--all", "--stdout", "--delta-base-offset"),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A player's repository, as Gitea keeps it, told by Gitea's file what git is to do."""
    folder = tmp_path_factory.mktemp("repository")

    def git(*arguments: str) -> None:
        options = ("-c", "user.name=ada", "-c", "user.email=ada@players.invalid", "-c", "core.bigFileThreshold=1m")
        subprocess.run(["git", *options, *arguments], cwd=folder, capture_output=True, check=True)

    git("init", "--quiet", "--initial-branch=main")
    git("commit", "--quiet", "--allow-empty", "--message=x")
    for file, versions in CONTENTS.items():
        for content in versions:
            (folder / file).write_bytes(content)
            git("add", file)
            git("commit", "--quiet", "--message=x")
    git("repack", "-a", "-d", "--quiet")
    given = configparser.ConfigParser(interpolation=None)
    given.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
    given.read_string("[top]\n" + app_ini(GiteaSettings(root_url="https://git.example/", drone_host="drone")))
    for key, value in given["git.config"].items():
        git("config", key, value)
    return folder


def memory(repository: Path, arguments: Sequence[str], kib: str) -> int:
    """MiB that git takes at most. kib: what the script lets it take."""
    # A process of its own in between: whatever this one takes would count as its child's.
    measure = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdin=-3, stdout=-3, stderr=-3, timeout=300);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )
    environment = {"PATH": os.environ["PATH"], "GIT_MEMORY_KIB": kib, "HOME": str(repository)}
    command = [sys.executable, "-S", "-c", measure, str(GIT_SCRIPT), *arguments]
    return int(subprocess.check_output(command, cwd=repository, env=environment))


@pytest.mark.parametrize("reading", READINGS)
def test_t27_no_request_takes_more_of_giteas_memory_than_git_has(repository: Path, reading: str) -> None:
    assert memory(repository, READINGS[reading], str(BOUND_MIB * 1024)) <= BOUND_MIB


def test_t27_without_the_bound_one_page_takes_all_that_gitea_has(repository: Path, fell: Callable[[str], None]) -> None:
    assert memory(repository, READINGS["a commit's page"], "unlimited") > 2 * BOUND_MIB
    fell("a page of a push of less than a MiB took 1 GiB of memory")


def test_t27_the_bound_is_what_the_script_has_by_itself() -> None:
    assert f"GIT_MEMORY_KIB:-{BOUND_MIB * 1024}}}" in GIT_SCRIPT.read_text()

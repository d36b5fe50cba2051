"""A hunt as its authors write it: a folder with `hunt.toml`, and one folder for each step.

    hunt.toml           title, and the name of the first step
    welcome.md          what everybody reads before logging in
    farewell.md         what a team reads that has passed everything
    1-git/step.toml     title, what it teaches, the next step's name, and the check
    1-git/story.md      what the team reads
    1-git/hint.md       what it may ask for
    1-git/clue.md       what it reads once it has passed

A step's name is that of its folder without the number before it, which only sorts.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pulumi
from markdown_it import MarkdownIt

from game_app.services.hunt.hunt_parser import HuntError, parse
from game_app.services.hunt.hunt_steps import Hunt

LARGEST: Final = 512 * 1024
"""Bytes of a hunt: a ConfigMap holds 1 MiB, and texts grow when they become HTML."""
_NUMBER: Final = re.compile(r"^\d+-")
_PROJECT: Final = Path(__file__).parents[2]
_TEXTS: Final = ("story", "hint", "clue")


class HuntFolderError(pulumi.RunError):
    """A hunt's folder cannot be played. The text lists every problem, each with its file or step."""

    def __init__(self, folder: Path, problems: tuple[str, ...]) -> None:
        self.problems = problems
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The hunt in {folder} is wrong (shambhala:gameApp.hunt). Nothing was changed.\n{listed}")


def load(name: str | Path) -> Hunt:
    """The hunt in a folder, its texts as HTML. Raises HuntFolderError with every problem.

    name: the folder, seen from the project's own.
    """
    folder, problems = _PROJECT / name, list[str]()
    if not (folder / "hunt.toml").is_file():
        raise HuntFolderError(folder, ("hunt.toml is missing: it has the hunt's title and the name of its first step",))
    if sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) > LARGEST:
        raise HuntFolderError(folder, (f"it is larger than {LARGEST} bytes; pictures belong elsewhere",))
    given = _toml(folder / "hunt.toml", folder, problems)
    for text in ("welcome", "farewell"):
        given[text] = _html(folder / f"{text}.md", folder, problems)
    steps: dict[str, Any] = {}
    for own in sorted(each for each in folder.iterdir() if each.is_dir()):
        step_name = _NUMBER.sub("", own.name)
        if step_name in steps:
            problems.append(f"{own.name}: another folder's step is called {step_name} too")
        step = _toml(own / "step.toml", folder, problems)
        steps[step_name] = step | {text: _html(own / f"{text}.md", folder, problems) for text in _TEXTS}
    if problems:
        # What lies in files that cannot be read would look like missing, too.
        raise HuntFolderError(folder, tuple(problems))
    try:
        return parse({**given, "steps": steps})
    except HuntError as error:
        raise HuntFolderError(folder, error.problems) from error


def _toml(file: Path, folder: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{file.relative_to(folder)}: cannot be read: {error.strerror}")
    except ValueError as error:
        problems.append(f"{file.relative_to(folder)}: is no TOML: {error}")
    return {}


def _html(file: Path, folder: Path, problems: list[str]) -> str | None:
    """A Markdown file as HTML. HTML in it is shown as it is written, and links with scripts are no links."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        problems.append(f"{file.relative_to(folder)}: cannot be read: {error.strerror}")
        return None
    except ValueError:
        problems.append(f"{file.relative_to(folder)}: must be a text in UTF-8")
        return None
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    # What is wider than a phone is scrolled, with the keyboard too.
    return html.replace("<pre>", '<pre tabindex="0">')

"""What a hint of a hunt tells players to write, read as they read it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

EXAMPLE: Final = Path(__file__).parents[2] / "game_app/hunt/example"


def printed_files(step: str) -> Mapping[str, str]:
    """The files of a step's hint: to each block its path, which is the last thing in code that is said before it.

    step: the step's folder. A block that no path comes before is none.
    """
    tokens = MarkdownIt("commonmark").parse((EXAMPLE / step / "hint.md").read_text())
    path, found = "", dict[str, str]()
    for token in tokens:
        if token.type == "inline":
            path = next((each.content for each in reversed(token.children or []) if each.type == "code_inline"), "")
        elif token.type == "code_block" and path:
            found[path] = token.content
    return found

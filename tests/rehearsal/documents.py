"""The commands of README and docs: what is in a block marked `sh`, as an operator would type it."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"\s+#\s.*$")


@dataclass(frozen=True)
class Command:
    """One line of a document."""

    text: str
    where: str
    """The document, and the number of the line."""


def commands(document: str) -> Generator[Command]:
    """The commands of one document, in their order."""
    text = (ROOT / document).read_text()
    for block in _BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        for number, line in enumerate(block[1].splitlines()):
            typed = _COMMENT.sub("", line).strip()
            if typed and not typed.startswith("#"):
                yield Command(typed, f"{document}:{first + number}")

"""Text of the scripts for the game master, and of the files that they install: units, programs, configurations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.templates import render

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SCRIPTS = Path(__file__).parent / "scripts"
_FILES = Path(__file__).parent / "files"
_TEMPLATES = Path(__file__).parent / "templates"


def script_text(name: str) -> str:
    """The text of `scripts/<name>.sh`."""
    return (_SCRIPTS / f"{name}.sh").read_text()


def packages(scripts: Iterable[str]) -> Sequence[str]:
    """Debian's packages that scripts install."""
    lines = (re.findall(r"^install_packages (.+)$", script_text(script), re.MULTILINE) for script in scripts)
    return sorted({package for each in lines for line in each for package in line.split()})


def host_file(name: str) -> str:
    """The text of `files/<name>`, which is installed unchanged."""
    return (_FILES / name).read_text()


def rendered(name: str, parameters: DataclassInstance) -> str:
    """The text of `templates/<name>` with the fields of a dataclass."""
    return render(_TEMPLATES / name, parameters)

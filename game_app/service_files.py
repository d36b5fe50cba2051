"""Files of the programs in `game_app/services`, as they are mounted into pods, and the commands that run them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

PROGRAMS_FOLDER: Final = "/srv"
"""Folder of a container in which a program's files lie, and its working directory."""
_SERVICES: Final = Path(__file__).parent / "services"


def service_files(program: str) -> Mapping[str, str]:
    """Path below PROGRAMS_FOLDER to text of each file: those that all programs share, and the program's own."""
    found = [*_SERVICES.glob("*.py"), *(file for file in (_SERVICES / program).rglob("*") if file.is_file())]
    return {
        file.relative_to(_SERVICES.parent).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(found)
        # Editors and desktops leave hidden files, which may be no text.
        if "__pycache__" not in file.parts and not file.name.startswith(".")
    }


def service_command(program: str) -> tuple[str, ...]:
    """Command of a program, without options: Python, which writes no bytecode and takes nothing from outside."""
    return ("python", "-B", "-E", "-s", "-m", f"services.{program}")

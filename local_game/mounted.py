"""Programs of pods on this machine: the very files that the program mounts, and nothing beside them."""

from __future__ import annotations

import sys
from pathlib import Path

from game_app.service_files import service_command, service_files


def mounted(program: str, folder: Path) -> list[str]:
    """Write a program's files to a folder, in which its command runs. Gives the command."""
    for path, text in service_files(program).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    # -S: nothing that was installed into this Python.
    return [sys.executable, "-S", *service_command(program)[1:]]

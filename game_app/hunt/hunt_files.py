"""Files of the hunt's program: its sources, configuration and secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pulumi

from game_app.guard.pipelines import BRANCH
from game_app.hunt.service.teams import Place, Team
from game_app.source_control import SourceControl

_PROGRAM: Final = Path(__file__).parent / "service"


def program_files() -> Mapping[str, str]:
    """Sources and pages of the program by their path below its folder."""
    found = [*_PROGRAM.glob("*.py"), *_PROGRAM.glob("pages/*")]
    return {file.relative_to(_PROGRAM).as_posix(): file.read_text(encoding="utf-8") for file in sorted(found)}


def teams_file(urls: Place, teams: Sequence[Team]) -> str:
    """JSON with the teams, the main branch and the URLs that texts name."""
    listed = [asdict(team) for team in teams]
    return json.dumps({"teams": listed, "branch": BRANCH, **asdict(urls)}, indent=1)


def secret_files(
    key: pulumi.Input[str] | None, source_control: SourceControl | None
) -> pulumi.Output[Mapping[str, str]]:
    """Secrets of the program by file name: the hunt's key, and the logins with which it reads and merges."""
    if key is None or source_control is None:
        # Kubernetes drops an empty map, and each update would restore it.
        return pulumi.Output.secret({"key": ""})
    files = {"key": key, "reader": source_control.reader_login, "merger": source_control.merger_login}
    return pulumi.Output.secret(pulumi.Output.all(**files))

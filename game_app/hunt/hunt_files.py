"""Files of the hunt's program: its configuration and secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pulumi

from game_app.guard.pipelines import BRANCH
from game_app.services.hunt.hunt_teams import GameUrls, Team
from game_app.source_control import SourceControl


def teams_file(urls: GameUrls, teams: Sequence[Team]) -> str:
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

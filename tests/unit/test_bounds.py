"""Table of bounds in docs/delivery.md: each figure is that of the program, each test is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from common.settings.teams import PUBLIC_REGISTRIES
from game_app import build_limits
from game_app.scm.gitea.app_ini import GiteaSettings, app_ini
from game_app.services.http_client import LARGEST
from game_app.services.hunt import clients, game, hunt_server, poller, rate_limited_client
from game_app.teams.admission_rules import MAX_GRACE_SECONDS
from game_app.teams.team_namespace import TEAM_QUOTA

ROOT: Final = Path(__file__).parents[2]
SECTION: Final = (
    (ROOT / "docs" / "delivery.md").read_text().partition("## What a player may ask for\n")[2].partition("\n## ")[0]
)
ROWS: Final = re.findall(r"^\| (.+) \| (.+) \| `(.+)::(.+)` \|$", SECTION, re.MULTILINE)
BOUNDS: Final[Mapping[str, str]] = {what: bound for what, bound, _, _ in ROWS}
INI: Final = app_ini(GiteaSettings(root_url="https://git.example/", drone_host="drone"))


@pytest.mark.parametrize(("file", "test"), [(file, test) for _, _, file, test in ROWS])
def test_each_bound_has_the_test_that_the_table_names(file: str, test: str) -> None:
    assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE)


FIGURES: Final[Mapping[str, str]] = {
    "a push": f"{re.findall(r'receive.maxInputSize = ([0-9]+)m', INI)[0]} MiB",
    "repositories of one player": f"{re.findall(r'MAX_CREATION_LIMIT = ([0-9]+)', INI)[0]}, all private",
    "pull requests of a team that are looked at": f"{clients.MOST_PULL_REQUESTS}, ",
    "text of a pull request, message of a commit": f"{LARGEST // 2**20} MiB",
    "checks that a team asks for": f"one in {poller.PAUSE:.0f} seconds, each {game.CHECK_TIMEOUT:.0f} seconds long",
    "requests to the hunt's page": f"{hunt_server.LIMITS.body // 1024} KiB, {hunt_server.LIMITS.seconds:.0f} seconds, "
    f"{hunt_server.LIMITS.connections} at the same time",
    "requests to GitHub after a 403 or 429": f"{rate_limited_client.LONGEST_PAUSE:.0f} seconds at most",
    "a step of a build": f"{build_limits.CONTAINER_CORES} core, {build_limits.CONTAINER_MEMORY_GIB} GiB, "
    f"{build_limits.CONTAINER_SCRATCH_GIB} GiB of scratch space",
    "a build's time": f"{build_limits.TEAM_BUILD_TIMEOUT_MINUTES} minutes, "
    f"{build_limits.COMPONENT_BUILD_TIMEOUT_MINUTES} for a component",
    "a team's pods together": f"{TEAM_QUOTA.pods} pods, {TEAM_QUOTA.cpu} cores, "
    f"{TEAM_QUOTA.memory.removesuffix('Gi')} GiB, {TEAM_QUOTA.storage.removesuffix('Gi')} GiB of scratch space",
    "a team's objects": f"{TEAM_QUOTA.objects['deployments.apps']} Deployments, "
    f"{TEAM_QUOTA.objects['services']} Services, {TEAM_QUOTA.objects['configmaps']} ConfigMaps",
    "a team's images": f"of {len(PUBLIC_REGISTRIES)} public registries",
    "the end of a team's pod": f"{MAX_GRACE_SECONDS} seconds",
}
"""Figures of the table that the program has as values; the others are in their tests."""


@pytest.mark.parametrize("what", FIGURES)
def test_each_figure_is_the_programs(what: str) -> None:
    assert FIGURES[what] in BOUNDS[what]

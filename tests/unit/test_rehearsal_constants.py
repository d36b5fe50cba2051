"""What the rehearsal must know of the program that it rehearses, which it never imports."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from common.versions import CHARTS
from gamemaster.rancher import SERVICE_IP
from rehearsal.configuration import CHART_NAMES
from rehearsal.k3s import RANCHER_ADDRESS
from tests.support import programs
from tests.support.monitor import run

PLUGIN = Path(__file__).parents[2] / "rehearsal" / "toolchain" / "modules" / "scaleway" / "main.go"


def test_it_answers_for_rancher_where_nginx_asks() -> None:
    assert RANCHER_ADDRESS == SERVICE_IP


def test_it_serves_every_chart_that_the_program_installs() -> None:
    assert set(CHART_NAMES) == set(CHARTS)


def test_its_plugin_knows_every_resource_of_scaleway_s_that_the_program_has() -> None:
    board = partial(programs.board, programs.BEHIND_A_GATEWAY)
    graphs = (run(program, preview=False) for program in (programs.game_master, board, programs.registry_of_its_own))
    types = {resource.type for graph in graphs for resource in graph.resources.values()}
    known = set(re.findall(r'"(scaleway:[^"]+)"', PLUGIN.read_text()))
    assert known == {each for each in types if each.startswith("scaleway:")}

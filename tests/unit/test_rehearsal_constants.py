"""What the rehearsal must know of the program that it rehearses, which it never imports."""

from __future__ import annotations

from common.versions import CHARTS
from gamemaster.rancher import ADDRESS
from rehearsal.configuration import CHART_NAMES
from rehearsal.k3s import RANCHER_ADDRESS


def test_it_answers_for_rancher_where_nginx_asks() -> None:
    assert RANCHER_ADDRESS == ADDRESS


def test_it_serves_every_chart_that_the_program_installs() -> None:
    assert set(CHART_NAMES) == set(CHARTS)

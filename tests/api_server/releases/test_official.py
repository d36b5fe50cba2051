"""How `--charts official` gets the publishers' charts, and what Helm makes of each with the program's values."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from common.versions import CHARTS
from rehearsal.charts import ChartRegistry
from rehearsal.charts.registry import STAND_INS
from rehearsal.session import Session
from tests.charts.given import given_values
from tests.charts.official import ChartError, RealCharts, pulled, rendered

# Long enough for the tool chain to be built first.
pytestmark = pytest.mark.timeout(1800)


async def test_a_chart_is_pulled_whole_at_the_pinned_version(tmp_path: Path) -> None:
    registry = ChartRegistry(Session("official", tmp_path, slot=246))
    await registry.start()
    try:
        here = replace(CHARTS["grafana"], repository=registry.url)
        folder = await asyncio.to_thread(pulled, here, tmp_path)
        another = replace(here, version="0.0.1")
        with pytest.raises(ChartError, match=r"0\.0\.1"):
            await asyncio.to_thread(pulled, another, tmp_path)
    finally:
        await registry.stop()
    assert yaml.safe_load((folder / "Chart.yaml").read_text())["version"] == CHARTS["grafana"].version
    assert (folder / "values.schema.json").exists()


def test_a_publisher_out_of_reach_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChartError, match=r"127\.0\.0\.1:9"):
        pulled(replace(CHARTS["grafana"], repository="http://127.0.0.1:9"), tmp_path)


@pytest.mark.parametrize("chart", sorted(CHARTS))
def test_helm_renders_the_chart_with_what_the_program_sets(
    chart: str, tmp_path: Path, request: pytest.FixtureRequest, real_charts: RealCharts
) -> None:
    official = request.config.getoption("charts") == "official"
    folder = real_charts.folder(chart) if official else STAND_INS / chart
    assert rendered(folder, given_values()[chart], tmp_path)
    with pytest.raises(ChartError):
        rendered(STAND_INS / chart, {**given_values()[chart], "misspelt": True}, tmp_path)

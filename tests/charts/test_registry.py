"""The chart repository, as Helm sees it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import aiohttp
import pytest
import yaml

from common.versions import CHARTS
from rehearsal.charts import ChartRegistry
from rehearsal.charts.registry import STAND_INS
from rehearsal.session import Session


async def test_helm_finds_each_chart_whole_and_at_the_address_of_its_rehearsal(tmp_path: Path) -> None:
    registry = ChartRegistry(Session("charts", tmp_path, slot=248))
    await registry.start()
    try:
        async with aiohttp.ClientSession(registry.url) as client:
            index = yaml.safe_load(await (await client.get("/index.yaml")).text())
            for name, entries in index["entries"].items():
                archive = await (await client.get(entries[0]["urls"][0].removeprefix(registry.url))).read()
                assert hashlib.sha256(archive).hexdigest() == entries[0]["digest"]
                with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
                    assert f"{name}/Chart.yaml" in opened.getnames()
            assert (await client.get("/no-such-chart.tgz")).status == 404
    finally:
        await registry.stop()


@pytest.mark.parametrize("folder", sorted(STAND_INS.iterdir()), ids=lambda folder: folder.name)
def test_a_stand_in_bears_the_real_name_and_the_pinned_version_and_says_what_it_is(folder: Path) -> None:
    chart = yaml.safe_load((folder / "Chart.yaml").read_text())
    assert chart["name"] == folder.name
    assert chart["version"] == CHARTS[folder.name].version
    assert "Stand-in for rehearsals" in chart["description"]

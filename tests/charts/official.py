"""Charts as their publishers offer them: `pytest tests/charts tests/api_server/releases --charts official`."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.versions import CHARTS, Chart
from tests.support.tools import tools

KEPT = Path(__file__).parents[3] / "shared" / "charts"
"""Default values and schemas as the charts' projects publish them; not part of this project."""
TIMEOUT = 300
"""Seconds for one chart."""


class ChartError(Exception):
    """Helm could not do it; the text is what it said."""


def pulled(chart: Chart, into: Path) -> Path:
    """The folder of a chart at its pinned version. Raises ChartError where its repository does not have it."""
    oci = chart.repository.startswith("oci://")
    where = [f"{chart.repository}/{chart.name}"] if oci else [chart.name, "--repo", chart.repository]
    helm(into, "pull", *where, "--version", chart.version, "--untar", "--untardir", str(into))
    return into / chart.name


def rendered(folder: Path, values: Mapping[str, Any], scratch: Path) -> list[dict[str, Any]]:
    """The objects that Helm makes of a chart. Raises ChartError for values that the chart does not take."""
    file = scratch / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    printed = helm(scratch, "template", folder.name, str(folder), "--values", str(file), "--kube-version", "1.36.0")
    return [each for each in yaml.safe_load_all(printed) if each]


def helm(home: Path, *arguments: str) -> str:
    """What Helm printed, with its own files in `home`. Raises ChartError."""
    kept = {f"HELM_{kind}_HOME": str(home / "helm") for kind in ("CACHE", "CONFIG", "DATA")}
    program = tools().named("helm").path
    try:
        done = subprocess.run(
            ["env", *(f"{name}={value}" for name, value in kept.items()), str(program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise ChartError(f"helm {arguments[0]} said nothing for {TIMEOUT} s") from error
    if done.returncode:
        raise ChartError(done.stderr.strip())
    return done.stdout


class RealCharts:
    """The real charts' folders: those kept beside the project, or with `--charts official` the publishers' own."""

    def __init__(self, *, official: bool, into: Path) -> None:
        self._official = official
        self._into = into

    @cache  # noqa: B019 - one for a whole run
    def folder(self, chart: str) -> Path:
        """Skips where there is none, and says why."""
        if self._official:
            try:
                return pulled(CHARTS[chart], self._into)
            except ChartError as error:
                pytest.skip(f"{CHARTS[chart].repository} is out of reach: {error}")
        if not (KEPT / chart).is_dir():
            pytest.skip(f"the real chart's values and schema are not in {KEPT / chart}; '--charts official' pulls them")
        return KEPT / chart

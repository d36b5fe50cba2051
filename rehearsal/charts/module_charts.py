"""Publishers' own charts that come inside Go modules, for boards whose pods run.

A chart in a module has no version of a release: the archive gets the one that the program asks for.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal.charts.registry import STAND_INS, pack
from rehearsal.toolchain.building import module_folder
from rehearsal.toolchain.catalogue import Source
from rehearsal.toolchain.pod_programs import CERT_MANAGER, LOGGING_OPERATOR
from rehearsal.toolchain.tools import ToolchainError


@dataclass(frozen=True)
class ModuleChart:
    """A chart in a module that one of the tool chain's sources requires."""

    name: str
    source: Source
    module: str
    path: str
    """Folder of the chart in the module."""
    without: Sequence[str] = ()
    """Dependencies that no module has; nothing here switches them on."""
    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """File of a CRD to a line in it and what follows there: fields of the pinned release that the module's older CRD
    lacks, and that its program therefore passes over."""


MODULE_CHARTS = (
    ModuleChart("cert-manager", CERT_MANAGER, "github.com/cert-manager/cert-manager", "deploy/charts/cert-manager"),
    ModuleChart(
        "logging-operator",
        LOGGING_OPERATOR,
        "github.com/kube-logging/logging-operator",
        "charts/logging-operator",
        without=("telemetry-controller",),
        fields={
            "charts/logging-operator-crds/templates/logging.banzaicloud.io_loggings.yaml": (
                "              fluentd:\n                properties:\n",
                "                  terminationGracePeriodSeconds:\n"
                "                    format: int64\n"
                "                    type: integer\n",
            )
        },
    ),
)


def archives() -> dict[str, bytes]:
    """Name of each chart to its archive, of the version that the stand-in has. Raises ToolchainError."""
    return {chart.name: _archive(chart) for chart in MODULE_CHARTS}


def _archive(chart: ModuleChart) -> bytes:
    told: dict[str, Any] = yaml.safe_load((STAND_INS / chart.name / "Chart.yaml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, chart.name)
        # Modules are kept read-only.
        shutil.copytree(module_folder(chart.source, chart.module) / chart.path, copy, copy_function=shutil.copyfile)
        description: dict[str, Any] = yaml.safe_load((copy / "Chart.yaml").read_text())
        description |= {"version": told["version"], "appVersion": told["appVersion"]}
        dependencies: list[dict[str, Any]] = description.get("dependencies", [])
        description["dependencies"] = [each for each in dependencies if each["name"] not in chart.without]
        (copy / "Chart.yaml").write_text(yaml.safe_dump(description))
        for file, (after, added) in chart.fields.items():
            text = (copy / file).read_text()
            if text.count(after) != 1:
                raise ToolchainError(f"{chart.name} of {chart.module}: {file} has no single place for its fields.")
            (copy / file).write_text(text.replace(after, after + added))
        (copy / "Chart.lock").unlink(missing_ok=True)
        return pack(copy, chart.name)

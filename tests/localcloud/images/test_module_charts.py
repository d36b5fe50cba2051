"""Publishers' own charts out of their modules, as a rehearsal with real nodes serves them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

import pytest
import yaml

from common.versions import CHARTS
from observability.log_pipeline import agent_spec, aggregator_spec
from rehearsal.charts.module_charts import MODULE_CHARTS, archives

Tree = Mapping[str, Any]
CRDS = "logging-operator/charts/logging-operator-crds/templates/logging.banzaicloud.io_{}.yaml"


@cache
def files(chart: str) -> Mapping[str, str]:
    """Path to text of everything in a chart's archive."""
    with tarfile.open(fileobj=io.BytesIO(archives()[chart])) as archive:
        opened = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read().decode() for name, file in opened.items() if file}


@pytest.mark.parametrize("chart", [chart.name for chart in MODULE_CHARTS])
def test_a_chart_has_the_version_that_the_program_asks_for(chart: str) -> None:
    description = yaml.safe_load(files(chart)[f"{chart}/Chart.yaml"])
    assert description["version"] == CHARTS[chart].version
    assert "telemetry-controller" not in {each["name"] for each in description.get("dependencies", [])}


@pytest.mark.parametrize(
    ("kind", "spec"), [("loggings", aggregator_spec(100)), ("fluentbitagents", agent_spec("agent", 100))]
)
def test_the_logging_operators_own_kinds_know_every_field_that_the_program_sets(kind: str, spec: Tree) -> None:
    """The API refuses others, which the stand-in chart's loose schemas let through."""
    text = "\n".join(line for line in files("logging-operator")[CRDS.format(kind)].splitlines() if "{{" not in line)
    versions = yaml.safe_load(text)["spec"]["versions"]
    schema = next(version["schema"]["openAPIV3Schema"] for version in versions if version["name"] == "v1beta1")
    assert list(unknown(spec, schema["properties"]["spec"], "spec")) == []


def unknown(value: Any, schema: Tree, path: str) -> Iterator[str]:
    """Paths of fields that a schema does not have."""
    for item in cast("list[Any]", value if isinstance(value, list) else []):
        yield from unknown(item, schema.get("items", {}), path)
    known = isinstance(value, dict) and "properties" in schema
    for name, inner in cast("Tree", value if known else {}).items():
        if name in schema["properties"]:
            yield from unknown(inner, schema["properties"][name], f"{path}.{name}")
        else:
            yield f"{path}.{name}"

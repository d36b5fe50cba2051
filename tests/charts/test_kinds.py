"""The logging operator's objects, field by field: Kubernetes drops a field that a kind does not have, and says nothing.

The stand-in's kinds have the fields that the program uses, and are held against the operator's own where those are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from rehearsal.charts.registry import STAND_INS
from tests.charts.official import RealCharts
from tests.support import programs
from tests.support.monitor import run

Node = Mapping[str, Any]
CHART = "logging-operator"
GROUP = "logging.banzaicloud.io"


def kinds(folder: Path) -> Mapping[str, Node]:
    """Kind to what its specification may have, as a chart's folder of CRDs says."""
    found = [yaml.safe_load(file.read_text()) for file in sorted((folder / "crds").glob("*.yaml"))]
    versions = {
        each["spec"]["names"]["kind"]: version
        for each in found
        if each["spec"]["group"] == GROUP
        for version in each["spec"]["versions"]
        if version["name"] == "v1beta1"
    }
    return {kind: version["schema"]["openAPIV3Schema"]["properties"]["spec"] for kind, version in versions.items()}


@cache
def objects() -> Mapping[str, tuple[str, Node]]:
    """The program's own: name of each resource to its kind and specification."""
    graph = run(programs.observability, preview=False)
    return {
        name: (made.type.rpartition(":")[2], made.inputs["spec"])
        for name, made in graph.resources.items()
        if GROUP in made.type
    }


def unknown(schema: Node, value: Any, path: str = "spec") -> Iterator[str]:
    """Every field of a value that a schema does not have."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    if isinstance(value, list):
        for number, each in enumerate(cast("list[Any]", value)):
            yield from unknown(schema.get("items", {}), each, f"{path}[{number}]")
    elif isinstance(value, dict):
        for name, each in cast("dict[str, Any]", value).items():
            below = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if below is None:
                yield f"{path}.{name}"
            else:
                yield from unknown(below, each, f"{path}.{name}")


def fields(schema: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every field that a schema names; what lists and free mappings hold is below `*`."""
    for name, below in schema.get("properties", {}).items():
        yield (*path, name)
        yield from fields(below, (*path, name))
    for holder in ("items", "additionalProperties"):
        if isinstance(schema.get(holder), dict):
            yield from fields(schema[holder], (*path, "*"))


def has(schema: Node, path: tuple[str, ...]) -> bool:
    for name in path:
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return True
        below = schema.get("items", schema.get("additionalProperties"))
        found = below if name == "*" else schema.get("properties", {}).get(name)
        if found is None:
            return False
        schema = found
    return True


@pytest.mark.parametrize("name", sorted(objects()))
def test_every_field_of_an_object_is_one_of_its_kind(name: str) -> None:
    kind, spec = objects()[name]
    assert list(unknown(kinds(STAND_INS / CHART)[kind], spec)) == []


@pytest.mark.parametrize(
    ("kind", "spec", "slip"),
    [
        ("Logging", {"fluentd": {"bufferVolume": {}}}, "spec.fluentd.bufferVolume"),
        ("FluentbitAgent", {"customConfigSecrets": "x"}, "spec.customConfigSecrets"),
        ("ClusterOutput", {"loki": {"buffer": {"retry_for_ever": True}}}, "spec.loki.buffer.retry_for_ever"),
        ("ClusterFlow", {"match": [{"select": {"namespace": ["x"]}}]}, "spec.match[0].select.namespace"),
    ],
)
def test_a_misspelt_field_is_noticed(kind: str, spec: Node, slip: str) -> None:
    assert list(unknown(kinds(STAND_INS / CHART)[kind], spec)) == [slip]


def test_the_stand_ins_kinds_have_no_field_that_the_operators_have_not(real_charts: RealCharts) -> None:
    real = kinds(real_charts.folder(CHART))
    if not real:
        pytest.skip("the operator's kinds are not among what is kept of its chart; '--charts official' pulls them")
    for kind, schema in kinds(STAND_INS / CHART).items():
        assert [".".join(path) for path in fields(schema) if not has(real[kind], path)] == [], kind

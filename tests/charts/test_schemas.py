"""The values that each stand-in takes, held against the real chart's and against those that the program sets.

That Helm refuses all others is shown in tests/releases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from common.versions import CHARTS
from rehearsal.charts.registry import STAND_INS
from tests.unit import programs
from tests.unit.monitor import run

Node = Mapping[str, Any]
Names = tuple[str, ...]

REAL_CHARTS = Path(__file__).parents[3] / "shared" / "charts"
"""Default values and schemas as the charts' projects publish them; not part of this project."""

needs_real_charts = pytest.mark.skipif(
    not REAL_CHARTS.is_dir(), reason=f"the real charts' values and schemas are not in {REAL_CHARTS}"
)


@dataclass(frozen=True)
class Values:
    """What a chart's folder says of its values."""

    schema: Node
    """Empty if it has none."""
    defaults: Node
    text: str
    """values.yaml as it is written, where optional values stand in comments."""

    @classmethod
    @cache
    def of(cls, folder: Path) -> Values:
        schema, text = folder / "values.schema.json", (folder / "values.yaml").read_text()
        return cls(json.loads(schema.read_text()) if schema.exists() else {}, yaml.safe_load(text), text)

    def resolved(self, node: Node) -> Node:
        """The node that a reference within the schema leads to; one that leads elsewhere says nothing."""
        if "$ref" not in node:
            return node
        document, _, pointer = str(node["$ref"]).partition("#")
        if document:
            return {}
        target = self.schema
        for step in pointer.strip("/").split("/"):
            target = target[step.replace("~1", "/")]
        return self.resolved(target)

    def described(self) -> Iterator[tuple[Names, Node]]:
        """Every value that the schema names, and what it says of it."""
        return self._below((), self.resolved(self.schema))

    def _below(self, names: Names, node: Node) -> Iterator[tuple[Names, Node]]:
        for name, child in node.get("properties", {}).items():
            resolved = self.resolved(child)
            yield (*names, name), resolved
            yield from self._below((*names, name), resolved)

    def says_of(self, names: Names) -> Node | None:
        """What the schema says of a value: nothing below a free-form one, None of one that it does not take."""
        node = self.resolved(self.schema)
        for name in names:
            if "properties" not in node:
                return {}
            if name not in node["properties"]:
                return None
            node = self.resolved(node["properties"][name])
        return node

    def mentions(self, names: Names) -> bool:
        """Whether values.yaml has a value, has something free-form above it, or shows it in a comment."""
        value: Any = self.defaults
        for name in names:
            if not value:
                return True
            if name not in value:
                return re.search(rf"^ *# *{re.escape(names[-1])}:", self.text, re.MULTILINE) is not None
            value = value[name]
        return True


def leaves(values: Node, names: Names = ()) -> Iterator[tuple[Names, Any]]:
    """Every value that is no filled mapping."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(cast("Node", value), (*names, name))
        else:
            yield (*names, name), value


def types(node: Node) -> set[str]:
    """JSON's names of the types that a schema allows; empty if it leaves them open."""
    named: str | list[str] = node.get("type", [])
    allowed = {named} if isinstance(named, str) else set(named)
    return allowed | {"integer"} if "number" in allowed else allowed


@pytest.fixture(params=sorted(CHARTS))
def chart(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stand_in(chart: str) -> Values:
    return Values.of(STAND_INS / chart)


@pytest.fixture
def real(chart: str) -> Values:
    if not (REAL_CHARTS / chart).is_dir():
        pytest.skip(f"the real chart's values and schema are not in {REAL_CHARTS / chart}")
    return Values.of(REAL_CHARTS / chart)


def test_a_misspelt_name_fits_nowhere(stand_in: Values) -> None:
    # Helm hands `global` to every chart, and the real ones leave it open as well.
    closed = [node for names, node in stand_in.described() if "properties" in node and names != ("global",)]
    assert all(node["additionalProperties"] is False for node in [stand_in.schema, *closed])


def test_a_stand_in_takes_its_own_defaults(stand_in: Values) -> None:
    assert [names for names, _ in leaves(stand_in.defaults) if stand_in.says_of(names) is None] == []


@needs_real_charts
def test_a_stand_in_takes_no_value_that_the_real_chart_has_not(stand_in: Values, real: Values) -> None:
    taken = [names for names, _ in stand_in.described() if names != ("global",)]
    known = [names for names in taken if real.mentions(names) or (real.schema and real.says_of(names) is not None)]
    assert taken == known


@needs_real_charts
def test_a_stand_in_takes_no_type_that_the_real_chart_refuses(stand_in: Values, real: Values) -> None:
    for names, node in stand_in.described():
        allowed = types(real.says_of(names) or {})
        assert not allowed or types(node) <= allowed, names


@needs_real_charts
def test_what_a_stand_in_does_by_default_the_real_chart_does(stand_in: Values, real: Values) -> None:
    said = {names: value for names, value in leaves(stand_in.defaults) if value not in ({}, [], "", None)}
    published = dict(leaves(real.defaults))
    assert said == {names: published.get(names) for names in said}


def test_the_stand_ins_take_every_value_that_the_program_sets() -> None:
    def program() -> None:
        programs.board()
        programs.observability()

    releases = run(program, preview=False).of_type("kubernetes:helm.sh/v3:Release")
    assert {release.inputs["name"] for release in releases} >= {"nginx-ingress", "grafana"}
    for release in releases:
        stand_in = Values.of(STAND_INS / release.inputs["name"])
        assert [names for names, _ in leaves(release.inputs["values"]) if stand_in.says_of(names) is None] == []

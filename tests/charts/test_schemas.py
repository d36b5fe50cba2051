"""The values that each stand-in takes, held against the real chart's and against those that the program sets.

That Helm refuses all others is shown in tests/api_server/releases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from jsonschema import Draft7Validator

from common.versions import CHARTS
from rehearsal.charts.registry import STAND_INS
from tests.charts.given import given_values
from tests.charts.official import RealCharts

Node = Mapping[str, Any]
Names = tuple[str, ...]
SCALEWAY = "service.beta.kubernetes.io/scw-loadbalancer"


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
def real(chart: str, real_charts: RealCharts) -> Values:
    return Values.of(real_charts.folder(chart))


def test_a_misspelt_name_fits_nowhere(stand_in: Values) -> None:
    # Helm hands `global` to every chart, and the real ones leave it open as well.
    closed = [node for names, node in stand_in.described() if "properties" in node and names != ("global",)]
    assert all(node["additionalProperties"] is False for node in [stand_in.schema, *closed])


def test_a_stand_in_takes_its_own_defaults(stand_in: Values) -> None:
    assert [names for names, _ in leaves(stand_in.defaults) if stand_in.says_of(names) is None] == []


def test_a_stand_in_takes_no_value_that_the_real_chart_has_not(stand_in: Values, real: Values) -> None:
    taken = [names for names, _ in stand_in.described() if names != ("global",)]
    known = [names for names in taken if real.mentions(names) or (real.schema and real.says_of(names) is not None)]
    assert taken == known


def test_a_stand_in_takes_no_type_that_the_real_chart_refuses(stand_in: Values, real: Values) -> None:
    for names, node in stand_in.described():
        allowed = types(real.says_of(names) or {})
        assert not allowed or types(node) <= allowed, names


def test_what_a_stand_in_does_by_default_the_real_chart_does(stand_in: Values, real: Values) -> None:
    said = {names: value for names, value in leaves(stand_in.defaults) if value not in ({}, [], "", None)}
    published = dict(leaves(real.defaults))
    assert said == {names: published.get(names) for names in said}


@pytest.fixture(scope="module")
def given() -> Mapping[str, Node]:
    return given_values()


def merged(defaults: Any, values: Any) -> Any:
    """Values on top of a chart's own, as Helm lays them."""
    if isinstance(defaults, dict) and isinstance(values, dict):
        below, above = cast("dict[str, Any]", defaults), cast("dict[str, Any]", values)
        return {
            **below,
            **{name: merged(below[name], value) if name in below else value for name, value in above.items()},
        }
    return values


def without_the_net(node: Any) -> Any:
    """A schema without what it has elsewhere, which then says nothing."""
    if isinstance(node, dict):
        kept = cast("dict[str, Any]", node)
        return {
            name: without_the_net(child) for name, child in kept.items() if name != "$ref" or str(child).startswith("#")
        }
    if isinstance(node, list):
        return [without_the_net(child) for child in cast("list[Any]", node)]
    return node


def refused(folder: Values, values: Node) -> list[str]:
    """What the chart's schema has against values."""
    validator = Draft7Validator(without_the_net(folder.schema))
    found = validator.iter_errors(merged(folder.defaults, values))  # pyright: ignore[reportUnknownMemberType]
    return [f"{error.json_path}: {error.message}" for error in found]


def test_the_stand_ins_take_every_value_that_the_program_sets(given: Mapping[str, Node]) -> None:
    assert given.keys() == CHARTS.keys()
    found = {chart: refused(Values.of(STAND_INS / chart), values) for chart, values in given.items()}
    assert not any(found.values()), found


def test_the_real_chart_takes_every_value_that_the_program_sets(
    given: Mapping[str, Node], chart: str, real: Values
) -> None:
    assert refused(real, given[chart]) == []


@pytest.mark.parametrize("chart", ["nginx-ingress", "cert-manager"])
def test_a_typo_in_any_name_that_a_board_sets_is_refused(given: Mapping[str, Node], chart: str) -> None:
    names = [names for names, _ in leaves(given[chart]) if "." not in names[-1]]
    assert names
    for path in names:
        for place in range(len(path)):
            assert refused(Values.of(STAND_INS / chart), _misspelt(given[chart], path[: place + 1])), path


SLIPS: Sequence[tuple[str, Names, Any]] = (
    ("nginx-ingress", ("controller", "config", "entries", "set-real-ip-from"), "10.21.0.0"),
    ("nginx-ingress", ("controller", "config", "entries", "real-ip-header"), "proxy-protocol"),
    ("nginx-ingress", ("controller", "config", "entries", "client-max-body-size"), "64 MB"),
    ("nginx-ingress", ("controller", "config", "entries", "proxy-read-timeout"), 120),
    ("nginx-ingress", ("controller", "service", "annotations"), {f"{SCALEWAY}-proxy-protocol": "*"}),
    ("nginx-ingress", ("controller", "replicaCount"), "2"),
    ("nginx-ingress", ("prometheus", "create"), "yes"),
    ("cert-manager", ("crds", "enabled"), "true"),
    ("cert-manager", ("dns01RecursiveNameservers",), "192.0.2.10"),
    ("cert-manager", ("startupapicheck", "timeout"), 180),
    ("cert-manager", ("webhook", "resources"), {"limit": {"memory": "128Mi"}}),
)


@pytest.mark.parametrize(("chart", "names", "value"), SLIPS)
def test_a_value_that_means_nothing_is_refused(given: Mapping[str, Node], chart: str, names: Names, value: Any) -> None:
    assert refused(Values.of(STAND_INS / chart), merged(given[chart], _nested(names, value)))


def _nested(names: Names, value: Any) -> Any:
    return {names[0]: _nested(names[1:], value)} if names else value


def _misspelt(values: Node, path: Names) -> Node:
    """The values with the last name of a path spelt with a letter more."""
    first, *rest = path
    if rest:
        return {**values, first: _misspelt(values[first], tuple(rest))}
    return {name + "s" if name == first else name: value for name, value in values.items()}

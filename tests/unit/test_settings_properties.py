"""Whatever stands in the stack's file: it is read, or each mistake is named. Nothing else ever happens."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.settings import SettingsError, parse
from common.settings.problems import Problem
from tests.support.example import SECRETS, complete

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from(
        ["", "-", "null", "true", "1", "[", "{}", "10.0.0.0/24", "https://[", "http://x:y", "a\x00b", "\ud800"]
    )
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def places(tree: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a tree, leaves and what holds them."""
    entries: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict):
        entries = list(cast("dict[str, Any]", tree).items())
    elif isinstance(tree, list):
        entries = list(enumerate(cast("list[Any]", tree)))
    return [each for step, child in entries for each in ((*path, step), *places(child, (*path, step)))]


PLACES = places(complete())


def problems(tree: Mapping[str, object]) -> tuple[Problem, ...]:
    """What is wrong, told in text that can be sent, with commands that a shell takes apart as they are meant."""
    try:
        parse(tree, "dev")
    except SettingsError as error:
        str(error).encode()
        for command in (command for problem in error.problems for command in problem.commands):
            words = shlex.split(command)
            assert words[:2] == ["pulumi", "config"]
            assert "--stack" in words
        return error.problems
    return ()


def put(tree: Any, path: tuple[str | int, ...], value: object) -> Any:
    """A tree with another value at one place."""
    step, *rest = path
    copied: Any = copy.copy(tree)
    copied[step] = put(copied[step], tuple(rest), value) if rest else value
    return copied


@given(st.dictionaries(st.sampled_from(sorted(complete())) | st.text(), TREES, max_size=20))
@example({"boards": "blue"})
@example({"boards": ["blue"]})
@settings(deadline=None, max_examples=100)
def test_any_settings_at_all(tree: dict[str, object]) -> None:
    assert problems(tree)


@given(st.sampled_from(PLACES), TREES)
@settings(deadline=None, max_examples=200)
def test_any_value_at_one_place(path: tuple[str | int, ...], value: object) -> None:
    problems(put(complete(), path, value))


@given(st.sampled_from(sorted(complete())), st.text() | TREES.map(json.dumps))
@settings(deadline=None, max_examples=100)
def test_any_text_in_the_place_of_a_sections_json(key: str, text: str) -> None:
    problems({**complete(), key: text})


@pytest.mark.parametrize("value", [None, "blue", ["blue"], {"": {}}, [{}]], ids=repr)
def test_a_value_of_another_shape_is_read_or_named_and_no_secret_told(value: object) -> None:
    for path in PLACES:
        found = problems(put(complete(), path, value))
        told = "\n".join(map(str, found))
        assert not any(secret in told for secret in SECRETS), path
        assert found or value is not None, path


def test_json_nested_too_deep_is_refused() -> None:
    assert [problem.key for problem in problems({**complete(), "players": "[" * 100_000})] == ["players"]
    deep = {**complete()["delivery"], "registryConfig": "[" * 100_000}
    assert [problem.key for problem in problems({**complete(), "delivery": deep})] == ["delivery.registryConfig"]

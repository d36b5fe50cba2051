"""Pulumi.yaml documents every setting that is read, says truly what each may be, and documents nothing else."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from common.fields import DEFAULT, KIND, Kind, ListOf, MapOf, Section, camel
from common.plain import Plain
from common.settings import NAMESPACE, Settings, SettingsError, parse

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
OWN: dict[str, dict[str, Any]] = {key: entry for key, entry in PROJECT["config"].items() if ":" not in key}
TOP = {camel(each.name): each.metadata for each in dataclasses.fields(Settings)}
ENTRY = re.compile(r"^- (?P<key>\S+) \((?P<state>[^)]+)\): (?P<text>.+)$")


def state(metadata: Mapping[str, Any], kind: Kind[Any]) -> str:
    """How a setting's documentation says whether it must be given."""
    default = metadata.get(DEFAULT)
    if DEFAULT not in metadata:
        said = "required"
    elif default is None or default == "" or isinstance(default, (dict, tuple)) or is_section(default):
        said = "optional"
    else:
        said = f"default {default if isinstance(default, str) else json.dumps(default)}"
    if isinstance(kind, Plain):
        return f"{said}, secret" if kind.secret else said
    if isinstance(kind, Section):
        return f"{said}, an object"
    element: object = getattr(kind, "element", None)
    if isinstance(element, Section):
        return f"{said}, {'a list' if isinstance(kind, ListOf) else 'an object of names'}"
    return said


def is_section(default: object) -> bool:
    """Whether a default is a section whose own settings say what they are."""
    return dataclasses.is_dataclass(default)


def inside(kind: Kind[Any], key: str) -> Generator[tuple[str, Mapping[str, Any]]]:
    """Each setting inside a kind, at any depth: NAME is a name that is free to choose, N an index."""
    if isinstance(kind, MapOf):
        yield from inside(cast("MapOf[Any]", kind).element, f"{key}.NAME")
    elif isinstance(kind, ListOf):
        yield from inside(cast("ListOf[Any]", kind).element, f"{key}.N")
    elif isinstance(kind, Section):
        for each in dataclasses.fields(kind.cls):
            path = f"{key}.{camel(each.name)}"
            yield path, each.metadata
            yield from inside(each.metadata[KIND], path)


def documented(key: str) -> dict[str, tuple[str, str]]:
    """Key to (state, text) of each setting that an object's description lists."""
    lines = OWN[key]["description"].replace("\n  ", " ").splitlines()
    entries = [ENTRY.match(line) for line in lines[1:]]
    return {entry["key"]: (entry["state"], entry["text"]) for entry in entries if entry}


def test_every_key_is_there_and_no_other() -> None:
    assert set(OWN) == set(TOP)


@pytest.mark.parametrize("key", TOP)
def test_a_keys_default_is_true_and_an_empty_one_where_there_is_none(key: str) -> None:
    # Without one the engine would stop at the key before the program could name all that is wrong.
    plain = isinstance(TOP[key][KIND], Plain)
    assert OWN[key]["default"] == (TOP[key].get(DEFAULT, "") if plain else {})
    assert set(OWN[key]) == {"default", "description"}
    if plain:
        assert TOP[key][KIND].allowed in OWN[key]["description"]


@pytest.mark.parametrize("key", [key for key, metadata in TOP.items() if not isinstance(metadata[KIND], Plain)])
def test_an_objects_description_lists_exactly_its_settings(key: str) -> None:
    read = dict(inside(TOP[key][KIND], key))
    assert {name: said for name, (said, _) in documented(key).items()} == {
        name: state(metadata, metadata[KIND]) for name, metadata in read.items()
    }


@pytest.mark.parametrize("key", [key for key, metadata in TOP.items() if not isinstance(metadata[KIND], Plain)])
def test_an_objects_description_says_what_each_setting_may_be(key: str) -> None:
    for name, metadata in inside(TOP[key][KIND], key):
        _, text = documented(key)[name]
        if isinstance(metadata[KIND], Plain):
            assert metadata[KIND].allowed in text, name


def test_the_development_environment_lacks_only_what_nobody_can_know() -> None:
    stack = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    given = {key.removeprefix(f"{NAMESPACE}:"): value for key, value in stack["config"].items()}
    with pytest.raises(SettingsError) as caught:
        parse(given, "dev")
    assert all(problem.allowed.startswith("is missing;") for problem in caught.value.problems)


def test_no_committed_environment_holds_a_secret() -> None:
    text = (ROOT / "Pulumi.dev.yaml").read_text()
    assert "secure:" not in text
    assert "PRIVATE KEY" not in text

"""Each secret is encrypted in the stack's file, or refused by its own key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest
import yaml
from pulumi.runtime import config as engine

from cli.stack import leaves
from common.settings import Settings, SettingsError, load, parse
from common.settings.schema import schema_of
from common.settings.stack_file import stored
from tests.support.example import MISSING, PASSWORD, SECRETS, complete, spoiled

SECRET_KEYS = [each.path for each in leaves(complete(), schema=schema_of(Settings)) if each.secret]
SECTIONS = sorted({key.partition(".")[0] for key in SECRET_KEYS})


def encrypted(tree: Any, plain: frozenset[str] | set[str] = frozenset(), path: str = "") -> Any:
    """A tree as the stack's file holds it, but with the secrets at some keys left as they are."""
    if isinstance(tree, dict):
        entries = cast("Mapping[str, object]", tree).items()
        return {name: encrypted(child, plain, f"{path}.{name}" if path else name) for name, child in entries}
    return {"secure": f"v1:{path}"} if path in SECRET_KEYS and path not in plain else tree


class Stack:
    """A project's folder with a stack's file, and the configuration that the engine hands over with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(self.folder / "Pulumi.yaml", {"name": "shambhala"})

    def write(self, file: Path, content: Mapping[str, object]) -> None:
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(content))

    def holds(self, tree: Mapping[str, object], file: str = "Pulumi.dev.yaml") -> None:
        self.write(self.folder / file, {"config": {f"shambhala:{key}": value for key, value in tree.items()}})

    def problems(self, tree: Mapping[str, object], secret: list[str]) -> list[str]:
        """The keys of what is wrong, with nothing of any secret in the text."""
        engine.set_all_config(
            {f"shambhala:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in tree.items()},
            [f"shambhala:{key}" for key in secret],
        )
        try:
            load(pulumi.Config("shambhala"), "dev")
        except SettingsError as refused:
            error = refused
        else:
            return []
        assert not any(secret in str(error) for secret in SECRETS)
        return [problem.key for problem in error.problems]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path))
    yield Stack(tmp_path)
    engine.set_all_config({}, [])


def test_an_environment_with_every_secret_encrypted_is_read(stack: Stack) -> None:
    stack.holds(encrypted(complete()))
    assert stack.problems(complete(), SECTIONS) == []


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_one_secret_in_plain_text_among_encrypted_ones_is_refused_by_its_key(stack: Stack, key: str) -> None:
    stack.holds(encrypted(complete(), {key}))
    assert stack.problems(complete(), SECTIONS) == [key]


def test_where_nothing_is_encrypted_each_secret_is_named(stack: Stack) -> None:
    stack.holds(complete())
    assert stack.problems(complete(), []) == SECRET_KEYS


@pytest.mark.parametrize("section", ["delivery", "rancher"])
def test_a_section_that_the_project_file_gives_as_empty_has_no_secret(stack: Stack, section: str) -> None:
    tree = spoiled({section: {}, "teams": {}})
    stack.holds(encrypted(spoiled({section: MISSING, "teams": {}})))
    assert stack.problems(tree, [each for each in SECTIONS if each != section]) == []


def test_of_a_section_without_its_secrets_only_these_are_missed(stack: Stack) -> None:
    tree = spoiled({"scaleway.accessKey": MISSING, "scaleway.secretKey": MISSING})
    stack.holds(encrypted(tree))
    secret = [each for each in SECTIONS if each != "scaleway"]
    assert stack.problems(tree, secret) == ["scaleway.accessKey", "scaleway.secretKey"]


def test_a_section_that_is_no_object_is_named_once(stack: Stack) -> None:
    tree = spoiled({"scaleway": PASSWORD})
    stack.holds(encrypted(tree))
    assert stack.problems(tree, [each for each in SECTIONS if each != "scaleway"]) == ["scaleway"]


def test_a_section_that_is_encrypted_as_a_whole_is_encrypted(stack: Stack) -> None:
    stack.holds({key: {"secure": "v1:all"} if key in SECTIONS else value for key, value in complete().items()})
    assert stack.problems(complete(), SECTIONS) == []


def test_the_file_is_found_where_the_project_keeps_its_stacks(stack: Stack) -> None:
    stack.write(stack.folder / "Pulumi.yaml", {"name": "shambhala", "stackConfigDir": "stacks"})
    stack.holds(encrypted(complete(), {"scaleway.secretKey"}), "stacks/Pulumi.dev.yaml")
    assert stack.problems(complete(), SECTIONS) == ["scaleway.secretKey"]


def test_with_another_file_the_engine_is_believed_key_by_key(stack: Stack) -> None:
    assert stack.problems(complete(), SECTIONS) == []
    rest = [each for each in SECTIONS if each != "scaleway"]
    assert stack.problems(complete(), rest) == ["scaleway.accessKey", "scaleway.secretKey"]
    # The stack's own file lies there, but the engine read another one.
    stack.holds(
        encrypted(spoiled({"scaleway.secretKey": "9f1c7b0e-7d53-4a0b-9a35-0c6f8b1f2d99"}), {"scaleway.secretKey"})
    )
    assert stack.problems(complete(), SECTIONS) == []
    stack.holds(encrypted(complete()))
    assert stack.problems(complete(), rest) == ["scaleway.accessKey", "scaleway.secretKey"]


@pytest.mark.parametrize("text", ["config: [", "config: blue", "- config", "config:\n  shambhala:scaleway: fr-par\n"])
def test_a_file_that_says_nothing_of_secrets_is_no_error(stack: Stack, text: str) -> None:
    (stack.folder / "Pulumi.dev.yaml").write_text(text)
    assert stack.problems(complete(), SECTIONS) == []


def test_text_that_yaml_takes_for_a_number_is_seen_in_plain_text_too(stack: Stack) -> None:
    tree = spoiled({"rancher.adminPassword": "123456789:12:34"})
    stack.holds(encrypted(tree))
    file = stack.folder / "Pulumi.dev.yaml"
    file.write_text(
        file.read_text()
        .replace("secure: v1:rancher.adminPassword", "")
        .replace("adminPassword:", "adminPassword: 123456789:12:34")
    )
    assert stack.problems(tree, SECTIONS) == ["rancher.adminPassword"]


def test_without_the_engines_word_nothing_is_said_of_encryption() -> None:
    parse(complete(), "dev")


def test_a_stack_of_an_organisation_has_its_file_too(tmp_path: Path) -> None:
    Stack(tmp_path).holds({"domain": "example.org"}, "Pulumi.hunters.dev.yaml")
    assert stored(tmp_path, "hunters/dev", "shambhala") == {"domain": "example.org"}

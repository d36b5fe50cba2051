"""Pulumi.yaml and docs/settings.md are what the settings' sections say, and say truly what each setting may be."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from common.settings import NAMESPACE, Settings, SettingsError, parse
from common.settings.documents import entries, project_file, tables
from common.settings.problems import Place
from common.settings.schema import SectionSchema, ValueSchema, schema_of
from tests.support.example import complete

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
OWN: dict[str, dict[str, Any]] = {key: entry for key, entry in PROJECT["config"].items() if ":" not in key}
SCHEMA = schema_of(Settings)
assert isinstance(SCHEMA, SectionSchema)
ENTRIES = list(entries(SCHEMA, Place("dev", [])))
POINTING = re.compile(r"^(It|Its|What|Where|Who|Whom|That|Their|By)\b|\b(it|there)\b")
"""Words by which a description would begin without a noun, or point to another line."""


def test_the_committed_documents_are_what_the_sections_say() -> None:
    command = "run '.venv/bin/python -m common.settings.documents' and commit what it wrote"
    assert project_file((ROOT / "Pulumi.yaml").read_text()) == (ROOT / "Pulumi.yaml").read_text(), command
    assert tables() == (ROOT / "docs" / "settings.md").read_text(), command


def test_one_command_writes_both_documents(tmp_path: Path) -> None:
    written = f"""
from pathlib import Path
from common.settings import documents
documents.PROJECT, folder = Path({str(tmp_path)!r}), Path({str(tmp_path)!r})
documents.PROJECT_FILE, documents.TABLES_FILE = folder / "Pulumi.yaml", folder / "settings.md"
documents.main()
"""
    (tmp_path / "Pulumi.yaml").write_text("name: shambhala\nconfig:\n  old: {}\n")
    subprocess.run([sys.executable, "-c", written], cwd=ROOT, check=True)
    project = yaml.safe_load((tmp_path / "Pulumi.yaml").read_text())
    assert project["name"] == "shambhala"
    assert project["config"] == PROJECT["config"]
    assert (tmp_path / "settings.md").read_text() == (ROOT / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("key", OWN)
def test_a_key_has_no_type_and_a_default_if_only_an_empty_one(key: str) -> None:
    # Without one the engine would stop at the key before the program could name all that is wrong.
    assert set(OWN[key]) == {"default", "description"}
    [entry] = [each for each in ENTRIES if each.key == key]
    plain = isinstance(entry.schema, ValueSchema)
    assert OWN[key]["default"] == ((entry.default or "") if plain else {})


def test_every_setting_of_a_complete_environment_is_documented() -> None:
    documented = {each.key for each in ENTRIES}
    assert set(OWN) == {key for key in documented if "." not in key}
    names = ("boards", "boards.NAME.pools")

    def keys(tree: Any, at: str) -> set[str]:
        if isinstance(tree, list) and all(isinstance(each, dict) for each in cast("list[Any]", tree)):
            return {key for each in cast("list[Any]", tree) for key in keys(each, f"{at}.N")}
        if not isinstance(tree, dict) or at in free:
            return {at}
        inner = cast("dict[str, Any]", tree).items()
        steps = [("NAME" if at in names else name, each) for name, each in inner]
        return {key for step, each in steps for key in keys(each, f"{at}.{step}" if at else step)}

    free = {each.key for each in ENTRIES if each.type == "object of names to text"}
    assert keys(complete(), "") <= documented


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
def test_each_setting_has_a_meaning_a_type_and_the_command_that_sets_it(entry: Any) -> None:
    assert entry.meaning.endswith((".", ")."))
    assert entry.meaning[0].isupper()
    assert not POINTING.search(entry.meaning)
    assert entry.type
    if entry.command:
        words = shlex.split(entry.command)
        assert words[:3] == ["pulumi", "config", "set"]
        assert ("--secret" in words) == entry.schema.secret
    else:
        assert entry.type in {"object", "object of names", "list of objects"}


@pytest.mark.parametrize("entry", [each for each in ENTRIES if each.default], ids=lambda entry: entry.key)
def test_a_default_is_one_that_may_be_given(entry: Any) -> None:
    default = entry.setting.info.default
    assert (
        entry.schema.validated([*cast("tuple[str, ...]", default)] if isinstance(default, tuple) else default)
        == default
    )


def test_a_setting_without_a_sentence_is_none() -> None:
    with pytest.raises(TypeError, match="has no constraint that says what is allowed"):
        schema_of(int)


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

"""The packages in pyproject.toml, the requirements files and the lock file: the same, pinned exactly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK: Final[dict[str, Any]] = tomllib.loads((ROOT / "uv.lock").read_text())
GROUPS: Final[dict[str, list[Any]]] = PROJECT["dependency-groups"]


def required(file: str) -> set[str]:
    """What a requirements file names itself, without those that it takes in."""
    lines = (ROOT / file).read_text().splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith(("#", "-r"))}


def own(group: Iterable[Any]) -> set[str]:
    """What a group names itself, without the groups that it takes in."""
    return {each for each in group if isinstance(each, str)}


def everything() -> set[str]:
    return {*PROJECT["project"]["dependencies"], *own(GROUPS["rehearsal"]), *own(GROUPS["dev"])}


def test_the_users_file_and_the_project_name_the_same_packages() -> None:
    assert required("requirements.txt") == set(PROJECT["project"]["dependencies"])
    assert required("requirements-github.txt") == set(PROJECT["project"]["optional-dependencies"]["github"])


def test_so_do_those_of_the_rehearsal_and_of_the_tests() -> None:
    assert required("rehearsal/requirements.txt") == own(GROUPS["rehearsal"])
    assert required("requirements-dev.txt") | required("requirements-github.txt") == own(GROUPS["dev"])


def test_every_package_is_pinned_exactly() -> None:
    assert [each for each in everything() if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.+]*", each)] == []


def test_the_lock_file_has_each_of_them_at_that_version() -> None:
    locked = {package["name"]: package["version"] for package in LOCK["package"]}
    named = (each.split("==") for each in everything())
    # Normalised as by PEP 503.
    wanted = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in named}
    assert {name: locked.get(name) for name in wanted} == wanted
    assert locked["shambhala"] == PROJECT["project"]["version"]


def test_the_lock_file_has_a_sum_of_every_archive_and_comes_from_the_public_index() -> None:
    archives = [
        archive
        for package in LOCK["package"]
        for archive in (*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ()))
    ]
    assert len(archives) > len(everything())
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", archive["hash"]) for archive in archives)
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}

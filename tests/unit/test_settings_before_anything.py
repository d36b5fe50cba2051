"""A wrong setting ends the program before anything is registered, and is shown once."""

from __future__ import annotations

import json
import runpy
import socket
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import config as engine

from common.errors import ALREADY_SHOWN
from tests.support.example import spoiled
from tests.support.monitor import Graph, run

PROGRAM = Path(__file__).parents[2] / "__main__.py"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the program has shown as errors."""
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", found.append)
    yield found
    engine.set_all_config({}, [])


def ended(spoil: dict[str, object], *, preview: bool) -> tuple[Graph, list[object]]:
    """What was registered before the program's end, and its exit status."""
    tree = spoiled(spoil)
    values = {f"shambhala:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in tree.items()}
    engine.set_all_config(values, list(values))
    codes: list[object] = []

    def program() -> None:
        try:
            runpy.run_path(str(PROGRAM))
        except SystemExit as end:
            codes.append(end.code)

    return run(program, preview=preview), codes


@pytest.mark.parametrize("spoil", [{"domain": "example"}, {"gameApp.checkSeconds": 0}, {"sources.chart": {}}], ids=str)
def test_nothing_is_registered_when_a_setting_is_wrong(
    spoil: dict[str, object], preview: bool, shown: list[str]
) -> None:
    graph, codes = ended(spoil, preview=preview)
    assert codes == [ALREADY_SHOWN]
    assert set(graph.resources) <= {"shambhala-dev"}, "more than the stack itself"
    assert len(shown) == 1
    assert shown[0].startswith("1 setting is wrong. Nothing was changed.")


def test_a_hunt_that_cannot_be_played_is_shown_once_too(shown: list[str]) -> None:
    _, codes = ended({"gameApp.hunt": "docs"}, preview=True)
    assert codes == [ALREADY_SHOWN]
    assert len(shown) == 1


def test_an_ssh_agent_that_is_gone_is_told_before_anything_is_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: list[str], preview: bool
) -> None:
    agent = tmp_path / "agent"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(agent))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    graph, codes = ended({}, preview=preview)
    assert codes == [ALREADY_SHOWN]
    assert set(graph.resources) <= {"shambhala-dev"}, "more than the stack itself"
    [told] = shown
    assert told.startswith(f"SSH_AUTH_SOCK is {agent}, where no SSH agent answers")
    assert "run 'unset SSH_AUTH_SOCK', then the same command again" in told

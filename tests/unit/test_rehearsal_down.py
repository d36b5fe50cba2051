"""Taking a rehearsal down whose local cloud cannot be brought up any more."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal import down
from rehearsal.instances import InstanceError
from rehearsal.session import Session


def test_where_no_machine_can_be_had_for_the_engine_the_rest_is_removed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image of a node or of an Instance can be gone, and its packages out of reach."""
    session = Session(name="mine", home=tmp_path, slot=10)
    removed: list[str] = []

    def no_cloud(*_: object) -> None:
        raise InstanceError("The node's image could not be built: [/usr/bin/apt-get] failed")

    async def remove_cloud(session: Session, _console: Console) -> list[str]:
        removed.append(session.name)
        return []

    def nothing(*_: object) -> None: ...

    def only_mine(_: Session) -> list[str]:
        return ["rehearsal-mine"]

    monkeypatch.setattr("rehearsal.engine.stacks", only_mine)
    monkeypatch.setattr(down, "provide", nothing)
    monkeypatch.setattr(down, "open_stack", no_cloud)
    monkeypatch.setattr(down, "_remove_cloud", remove_cloud)
    monkeypatch.setattr(down, "give_back", nothing)
    console = Console(file=io.StringIO(), width=200)
    with console.capture() as said:
        assert down.remove_everything(session, console) == []
    assert (
        "The engine could not destroy it: The node's image could not be built: [/usr/bin/apt-get] failed" in said.get()
    )
    assert "What it left is removed from below." in said.get()
    assert removed == ["mine"]

"""Which nodes the boards of a rehearsal get, as `make rehearse NODES=…` says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.nodes.choice import choose_nodes, real_nodes
from rehearsal.session import Session, SessionError


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(name="mine", home=tmp_path, slot=10)


def test_nodes_are_simulated_unless_real_ones_are_chosen(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NODES", raising=False)
    choose_nodes(session)
    assert not real_nodes(session)


def test_a_rehearsal_keeps_its_nodes_without_being_told_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODES", "real")
    choose_nodes(session)
    monkeypatch.setenv("NODES", "")
    choose_nodes(session)
    monkeypatch.delenv("NODES")
    choose_nodes(session)
    assert real_nodes(session)


def test_another_kind_is_refused_with_the_commands_that_lead_there(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODES", "real")
    choose_nodes(session)
    monkeypatch.setenv("NODES", "simulated")
    with pytest.raises(SessionError, match="have real nodes") as refused:
        choose_nodes(session)
    assert "'make rehearse-down NAME=mine' first" in str(refused.value)
    assert "'make rehearse NAME=mine NODES=simulated'" in str(refused.value)
    assert real_nodes(session)


def test_a_kind_that_does_not_exist_is_refused(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODES", "many")
    with pytest.raises(SessionError, match="NODES=many is neither real nor simulated"):
        choose_nodes(session)

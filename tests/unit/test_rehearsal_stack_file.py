"""Where the file of a rehearsal's stack lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import engine, stack_file
from rehearsal.session import DEFAULT_NAME, Session


@pytest.fixture
def session(tmp_path: Path) -> Session:
    home = tmp_path / "home"
    home.mkdir()
    return Session(name="mine", home=home, slot=10)


def unchanged(*_: object) -> None:
    """The settings stand in the file already."""


def test_each_rehearsal_has_a_stack_of_its_own(session: Session) -> None:
    assert engine.stack_name(session) == "rehearsal-mine"
    assert engine.stack_name(Session(DEFAULT_NAME, session.home, 11)) == "rehearsal"


def test_it_is_one_file_for_every_checkout_and_leaves_all_of_them(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"domain": "example.org"}
    monkeypatch.setattr(stack_file, "_bring", unchanged)
    (session.home / "settings.json").write_text("{}")
    files: list[Path] = []
    for checkout in (tmp_path / "one", tmp_path / "two"):
        checkout.mkdir()
        monkeypatch.setattr(engine, "PROJECT", checkout)
        stack_file.write(session, known, {})
        files.append(checkout / "Pulumi.rehearsal-mine.yaml")
    assert len({file.readlink() for file in files}) == 1
    stack_file.remove(session)
    assert not any(file.is_symlink() for file in files)

"""What the process of a local cloud does before anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import server
from rehearsal.instances import InstanceError
from rehearsal.session import Session


class BegunError(Exception):
    """The server has begun to open what it serves."""


async def test_redirections_of_a_crashed_server_end_before_new_ones_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines and boards mark theirs alike: ended later, those that a board has made meanwhile would go as well."""
    ended: list[str] = []

    async def end_all(label: str) -> None:
        ended.append(label)

    def begin(_session: Session) -> None:
        raise BegunError

    monkeypatch.setattr("rehearsal.instances.port_redirection.end_all", end_all)
    monkeypatch.setattr(server, "Instances", begin)
    with pytest.raises(BegunError):
        await server.serve(Session(name="mine", home=tmp_path, slot=10), tmp_path, tmp_path)
    assert ended == ["shambhala.rehearsal=mine"]


def test_where_the_packet_filter_refuses_the_log_ends_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def end_all(_label: str) -> None:
        raise InstanceError("'iptables --list-rules OUTPUT' failed. Is this root, with iptables allowed?")

    def find(name: str) -> Session:
        return Session(name=name, home=tmp_path, slot=10)

    monkeypatch.setattr("rehearsal.instances.port_redirection.end_all", end_all)
    monkeypatch.setattr(server, "find", find)
    monkeypatch.setattr("sys.argv", ["server", "mine", str(tmp_path), str(tmp_path)])
    assert server.main() == 1
    assert capsys.readouterr().err == (
        "error: 'iptables --list-rules OUTPUT' failed. Is this root, with iptables allowed?\n"
    )

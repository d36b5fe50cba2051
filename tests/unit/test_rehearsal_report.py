"""What the table at the end of a rehearsal says of its boards' nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from rehearsal.nodes.choice import choose_nodes
from rehearsal.report import Report
from rehearsal.session import Session
from rehearsal.toolchain.tools import Tools

OUTPUTS = {
    "boards": {"blue": "127.10.2.1"},
    "game_master_ip": "127.10.1.1",
    "zone": "hunt.example.org",
    "grafana_url": "https://grafana.hunt.example.org",
    "game_url": "https://play.hunt.example.org",
}


@pytest.mark.parametrize(
    ("nodes", "board", "game"),
    [
        ("simulated", "real control plane, no pods run", "real objects, no pods run"),
        (
            "real",
            "real control plane, one real node, the others simulated",
            "real objects, whose pods run",
        ),
    ],
)
def test_the_table_says_whether_pods_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nodes: str, board: str, game: str
) -> None:
    monkeypatch.setenv("NODES", nodes)
    session = Session(name="mine", home=tmp_path, slot=10)
    choose_nodes(session)
    report = Report(session, Tools(()), OUTPUTS, changes={}, parts={}, resources={}, began={})
    console = Console(width=200)
    with console.capture() as printed:
        console.print(report.table())
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.get().splitlines() if "│" in line]
    said = {part: what for part, what, *_ in rows}
    assert said["board blue"] == board
    assert said["game"] == game

"""What the table at the end of a rehearsal says of its boards' nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from rehearsal.images.provided_images import BUILT, PULLED, STAND_IN, ProvidedImage, write_provided
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
    said = _rows(Report(session, Tools(()), OUTPUTS, changes={}, parts={}, resources={}, began={}))
    assert said["board blue"][0] == board
    assert said["game"][0] == game


def test_the_table_says_of_each_image_whether_it_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODES", "real")
    session = Session(name="mine", home=tmp_path, slot=10)
    choose_nodes(session)
    write_provided(
        session,
        [
            ProvidedImage("registry.example/one:1", BUILT, "source of one 1", "/cache/one"),
            ProvidedImage("registry.example/two:2", STAND_IN, "stand-in for two", "/cache/two"),
            ProvidedImage("registry.example/three:3", PULLED, "registry.example"),
        ],
    )
    rows = _rows(Report(session, Tools(()), OUTPUTS, changes={}, parts={}, resources={}, began={}))
    assert rows["image one:1"] == ["real, built here", "source of one 1"]
    assert rows["image two:2"] == ["stand-in", "stand-in for two"]
    assert rows["image three:3"] == ["real, pulled from its publisher", "registry.example"]
    assert rows["cert-manager"][0] == "real"


def _rows(report: Report) -> dict[str, list[str]]:
    """Part to what it is and where it came from."""
    console = Console(width=200)
    with console.capture() as printed:
        console.print(report.table())
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.get().splitlines() if "│" in line]
    return {part: rest[:2] for part, *rest in rows}

"""Measures a rehearsal from nothing to nothing and the fast tests, prints a table, and writes it as JSON.

The tool chain and the Debian image are made before the clock starts. Nothing here is a test: a busy
machine is slower, and says so only in these figures.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import commands, game_master
from bench.clock import timed
from bench.memory import peak_of
from rehearsal import engine
from rehearsal.down import remove_everything
from rehearsal.progress import name_of
from rehearsal.report import Report
from rehearsal.session import Session, claim
from rehearsal.toolchain.providing import provide
from rehearsal.up import open_stack, raise_everything

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
_GIB = 2**30


@dataclass(frozen=True)
class Measure:
    """One figure and what it may be at most."""

    name: str
    value: float
    limit: float
    unit: str = "s"


def main() -> int:
    """Measure, print, write; 0 whatever the figures are."""
    argparse.ArgumentParser(prog="python -m bench", description=__doc__).parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 132)
    provide(console)
    measures, slowest, host = _rehearsal(console)
    measures += _game_master_alone(console)
    measures.append(Measure("fast tests", timed(_fast_tests)[0], 20))
    console.print(_table(measures))
    console.print("Slowest steps of the cold rehearsal:")
    for name, seconds in slowest:
        console.print(f"  {seconds:6.1f} s  {name}")
    console.print(game_master.table(host))
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.json"
    results = {
        "measures": [asdict(one) for one in measures],
        "slowest": dict(slowest),
        "game master": [asdict(role) for role in host],
    }
    file.write_text(json.dumps(results, indent=2))
    console.print(f"Written to {file.relative_to(ROOT)}.")
    return 0


def _rehearsal(console: Console) -> tuple[list[Measure], list[tuple[str, float]], list[game_master.Role]]:
    silent = Console(file=io.StringIO())
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        session = claim(f"bench-{os.getpid()}")
        try:
            with peak_of(session) as peak:
                console.print("Raising a rehearsal from nothing …")
                cold, report = timed(lambda: raise_everything(session, silent))
                host = game_master.roles(report)
                console.print("Raising it again, with nothing to do …")
                noop, _ = timed(lambda: raise_everything(session, silent))
                console.print("By the engine's own commands, with nothing to do …")
                preview, _ = timed(lambda: _pulumi(session, "preview"))
                update, _ = timed(lambda: _pulumi(session, "up", "--yes", "--skip-preview"))
                console.print("Changing one setting …")
                change, _ = timed(lambda: raise_everything(session, silent, {"gameApp": {"checkSeconds": 30}}))
                console.print("By the commands beside the engine's, the last of which destroys it …")
                beside = {name: timed(partial(command, session))[0] for name, command in commands.COMMANDS.items()}
        finally:
            console.print("Taking it down …")
            down, left = timed(lambda: remove_everything(session, silent))
    if left:
        console.print(f"[red]left behind:[/] {', '.join(left)}")
    return (
        [
            Measure("make rehearse, cold", cold, 240),
            Measure("make rehearse, nothing to do", noop, 8),
            Measure("pulumi preview, nothing to do", preview, 8),
            Measure("pulumi up --skip-preview, nothing to do", update, 8),
            Measure("make rehearse, one setting changed", change, 20),
            # More than it adds: most of it runs beside something else.
            Measure("observability's steps, added up", report.took("observability"), 40),
            *(Measure(name, beside[name], limit) for name, limit in commands.LIMITS.items()),
            Measure("make rehearse-down", down, 60),
            Measure("resident memory at its peak", peak.total / _GIB, 6, "GiB"),
            Measure("game master, booted to serving", max(role.ended for role in host), 60),
        ],
        _slowest(report),
        host,
    )


def _pulumi(session: Session, *command: str) -> None:
    subprocess.run(
        [
            engine.home_of(session) / "bin" / "pulumi",
            *command,
            "--stack",
            engine.stack_name(session),
            "--non-interactive",
        ],
        cwd=engine.PROJECT,
        env={**os.environ, **engine.own_environment(session)},
        check=True,
        capture_output=True,
    )


def _game_master_alone(console: Console) -> list[Measure]:
    """How often its roles log in on a fresh host, and the seconds of an `up` that finds nothing to do there."""
    silent = Console(file=io.StringIO())
    session = claim(f"alone-{os.getpid()}")
    try:
        console.print("Raising the game master alone, twice …")
        stack = open_stack(session, provide(silent), silent)
        # Another program than the project's: in this process, by the same engine and settings.
        alone = partial(stack.up, program=game_master.program, color="never")
        alone()
        entered = game_master.logins(session, str(engine.outputs(stack)["ip"]))
        idle, _ = timed(alone)
        return [
            Measure("the game master alone: logins, cold", entered, 15, ""),
            Measure("the game master alone, nothing to do", idle, 3),
        ]
    finally:
        remove_everything(session, silent)


def _slowest(report: Report) -> list[tuple[str, float]]:
    return [(name_of(urn), took) for urn, took in sorted(report.resources.items(), key=lambda item: -item[1])[:3]]


def _fast_tests() -> None:
    subprocess.run(["make", "--silent", "unit"], cwd=ROOT, check=True, capture_output=True)


def _table(measures: list[Measure]) -> Table:
    table = Table("measure", "figure", "at most", title="What a rehearsal costs", title_justify="left")
    for one in measures:
        colour = "green" if one.value <= one.limit else "red"
        table.add_row(one.name, f"[{colour}]{one.value:.1f} {one.unit}[/]", f"{one.limit:g} {one.unit}")
    return table


if __name__ == "__main__":
    sys.exit(main())

"""Measures what a board costs: a second one beside the first, and one of ten pools and fifty nodes.

`python -m bench.boards` raises a rehearsal of its own, adds the boards one after the other, prints a table and takes
everything down. Nothing here is a test: a busy machine is slower, and says so only in these figures.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.clock import timed
from rehearsal import stack_file
from rehearsal.down import remove_everything
from rehearsal.session import claim
from rehearsal.toolchain.providing import provide
from rehearsal.up import raise_everything

POOLS, NODES = 10, 50
SECOND_BOARD = 60.0
"""Seconds that a second board may take."""
WIDE = 2.0
"""How many times as long as a board of one pool one of ten may take."""


def main() -> int:
    """Measure and print; 0 whatever the figures are."""
    argparse.ArgumentParser(prog="python -m bench.boards", description=__doc__).parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 132)
    provide(console)
    silent = Console(file=io.StringIO())
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        session = claim(f"boards-{os.getpid()}")
        try:
            console.print("Raising a rehearsal …")
            raise_everything(session, silent)
            boards: dict[str, Any] = stack_file.settings(session)["boards"]
            console.print("Adding a board of one pool …")
            boards["green"] = _beside(boards["blue"], 8)
            one, _ = timed(lambda: raise_everything(session, silent, {"boards": boards}))
            console.print(f"Adding a board of {POOLS} pools and {NODES} nodes …")
            pool = {**boards["blue"]["pools"]["main"], "size": NODES // POOLS, "maxSize": NODES // POOLS}
            pools = {f"pool{number}": pool for number in range(POOLS)}
            boards["wide"] = {**_beside(boards["blue"], 12), "pools": pools}
            many, _ = timed(lambda: raise_everything(session, silent, {"boards": boards}))
        finally:
            console.print("Taking it down …")
            remove_everything(session, silent)
    console.print(_table(one, many))
    return 0


def _beside(board: Mapping[str, Any], third: int) -> dict[str, Any]:
    """The same board in a subnet of its own; third: the subnet's third byte."""
    first, second, *_ = str(board["subnet"]).split(".")
    return {**board, "subnet": f"{first}.{second}.{third}.0/22"}


def _table(one: float, many: float) -> Table:
    table = Table("measure", "figure", "at most", title="What a board costs", title_justify="left")
    table.add_row("a second board", f"{one:.1f} s", f"{SECOND_BOARD:g} s")
    table.add_row(f"a board of {POOLS} pools and {NODES} nodes", f"{many:.1f} s", "")
    table.add_row("as often as long as one of one pool", f"{many / one:.2f}", f"{WIDE:g}")
    return table


if __name__ == "__main__":
    sys.exit(main())

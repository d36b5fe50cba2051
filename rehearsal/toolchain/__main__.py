"""Gets all that rehearsals and tests run, and shows where each part came from; what is there is not made again."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.table import Table

from rehearsal.toolchain.catalogue import FOR_TESTS
from rehearsal.toolchain.providing import provide, provide_built
from rehearsal.toolchain.tools import ToolchainError


def main() -> int:
    """Read the command line and do what it says; 0 when that worked."""
    argparse.ArgumentParser(prog="python -m rehearsal.toolchain", description=__doc__).parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 132)
    try:
        tools = (*provide(console).all, *(provide_built(source, console) for source in FOR_TESTS))
    except ToolchainError as error:
        console.print(f"[red]error:[/] {error}", soft_wrap=True)
        return 1
    table = Table("tool", "version", "came from", "seconds")
    for tool in tools:
        origin = f"stand-in: {tool.origin}" if tool.stand_in else tool.origin
        table.add_row(tool.name, tool.version, origin, f"{tool.seconds:.1f}")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

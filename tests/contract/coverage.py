"""How much of Scaleway's recorded behaviour the contract test covers: `python -m tests.contract.coverage`."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.contract.cassettes import COVERED, CassettesMissing, interactions
from tests.contract.shapes import operation


@dataclass(frozen=True)
class Row:
    """One of Scaleway's products."""

    service: str
    cassettes: int
    interactions: int
    operations: frozenset[str]
    """Method and path of each, without ids and zones."""


def covered() -> list[Row]:
    """What is replayed, by product. Raises CassettesMissing."""
    rows: list[Row] = []
    for service, cassettes in COVERED.items():
        recorded = [one for cassette in cassettes for one in interactions(f"{service}/{cassette}")]
        rows.append(Row(service, len(cassettes), len(recorded), frozenset(map(operation, recorded))))
    return rows


def main() -> int:
    try:
        rows = covered()
    except CassettesMissing as error:
        print(error, file=sys.stderr)
        return 1
    table = Table("cassettes of", "cassettes", "interactions", "operations", show_footer=False)
    for row in rows:
        table.add_row(row.service, str(row.cassettes), str(row.interactions), str(len(row.operations)))
    operations = frozenset[str]().union(*(row.operations for row in rows))
    table.add_section()
    table.add_row(
        "all",
        str(sum(row.cassettes for row in rows)),
        str(sum(row.interactions for row in rows)),
        f"{len(operations)} different",
    )
    Console().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

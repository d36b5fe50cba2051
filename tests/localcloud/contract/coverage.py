"""How much of Scaleway's recorded behaviour the stand-in has.

Replays every recording that the provider's source holds of the resources that a rehearsal touches, and prints for
each resource how many interactions the stand-in answers as Scaleway did. Not counted are those that it does not
have and those whose answer differs for a known reason; --reasons lists both.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from tests.localcloud.contract.cassettes import RESOURCES, CassettesMissingError, names
from tests.localcloud.contract.measuring import measured
from tests.localcloud.contract.replay import Outcome, Result
from tests.localcloud.contract.shapes import UUID


@dataclass(frozen=True)
class Row:
    """One resource, or all of them."""

    resource: str
    outcomes: Sequence[Outcome]

    def count(self, result: Result) -> int:
        return sum(outcome.result is result for outcome in self.outcomes)

    @property
    def covered(self) -> int:
        """Interactions that are answered as they were recorded."""
        return self.count(Result.SAME)

    @property
    def recorded(self) -> int:
        return len(self.outcomes)


async def row(resource: str) -> Row:
    """The coverage of one resource. Raises CassettesMissingError."""
    return Row(resource, [outcome for name in names(resource) for outcome in await measured(name)])


def total(rows: Sequence[Row]) -> Row:
    """The coverage of all resources; no recording is counted twice."""
    return Row("all", [outcome for one in rows for outcome in one.outcomes])


def _table(rows: Sequence[Row]) -> Table:
    table = Table(Column("resource", no_wrap=True), title="Recorded interactions", title_justify="left")
    for column in ("covered", "all", "known difference", "not covered", "wrong"):
        table.add_column(column, justify="right")
    for one in rows:
        results = (Result.KNOWN, Result.NOT_COVERED, Result.WRONG)
        counts = (one.covered, one.recorded, *map(one.count, results))
        table.add_row(one.resource, *map(str, counts), end_section=one is rows[-2])
    return table


def _reasons(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each reason, the commonest of each resource first."""
    for one in rows:
        left = [outcome for outcome in one.outcomes if outcome.result is not Result.SAME]
        reasons = Counter((each.result.value, UUID.sub("{id}", each.why)) for each in left)
        for (result, why), count in reasons.most_common():
            yield f"{count:5} of {one.resource}, {result}: {why}"


def main() -> int:
    """Print the coverage; 1 when an answer is wrong or the recordings are not to be had."""
    parser = argparse.ArgumentParser(prog="python -m tests.localcloud.contract.coverage", description=__doc__)
    parser.add_argument("--reasons", action="store_true", help="list also why the others are not covered")
    with_reasons: bool = parser.parse_args().reasons
    # What the stand-in says it does not have is in the tables.
    logging.getLogger("rehearsal").setLevel(logging.ERROR)
    console = Console()
    try:
        with tempfile.TemporaryDirectory() as state, asyncio.Runner() as runner:
            os.environ["XDG_STATE_HOME"] = state
            resources = track(RESOURCES, "Replaying", console=Console(stderr=True), transient=True)
            rows = [runner.run(row(resource)) for resource in resources]
    except CassettesMissingError as error:
        print(error, file=sys.stderr)
        return 1
    everything = total(rows)
    if with_reasons:
        for line in _reasons(rows):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print(_table([*rows, everything]))
    console.print(f"{everything.covered} of {everything.recorded} recorded interactions")
    return 1 if everything.count(Result.WRONG) else 0


if __name__ == "__main__":
    raise SystemExit(main())

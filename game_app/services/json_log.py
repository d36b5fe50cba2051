"""Log of the programs: one JSON object a line, so that nothing in it can begin a line of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime


def log_entry(entry: Mapping[str, object]) -> None:
    """Write one line to standard error, its time in UTC first. One write: threads do not mix their lines."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    os.write(2, (json.dumps({"time": time, **entry}) + "\n").encode())

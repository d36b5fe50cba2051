"""How far each team is, kept in one SQLite file: what was passed once stays passed, whatever restarts."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS passed (team TEXT, step TEXT, at REAL NOT NULL, PRIMARY KEY (team, step));
CREATE TABLE IF NOT EXISTS started (team TEXT, step TEXT, at REAL NOT NULL, PRIMARY KEY (team, step));
CREATE TABLE IF NOT EXISTS hinted (team TEXT, step TEXT, at REAL NOT NULL, PRIMARY KEY (team, step));
CREATE TABLE IF NOT EXISTS failed (team TEXT, step TEXT, times INTEGER NOT NULL, PRIMARY KEY (team, step));
CREATE TABLE IF NOT EXISTS renewed (team TEXT PRIMARY KEY, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS closed (since REAL NOT NULL, until REAL);
CREATE TABLE IF NOT EXISTS running (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), since REAL);
"""
_RECORD: Final[Mapping[str, str]] = {
    table: f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?)"  # noqa: S608 - the three names below
    for table in ("passed", "started", "hinted")
}
_READ: Final[Mapping[str, str]] = {
    table: f"SELECT team, step, {column} FROM {table}"  # noqa: S608 - the four names below
    for table, column in (("passed", "at"), ("started", "at"), ("hinted", "at"), ("failed", "times"))
}


@dataclass(frozen=True)
class Record:
    """What one team did. Times are seconds since 1970, by the step's name."""

    passed: Mapping[str, float]
    started: Mapping[str, float]
    hinted: Mapping[str, float]
    failed: Mapping[str, int]
    """How often it asked for a check that found the step not done, as far as that counts."""


class Progress:
    """The file, which one process uses from many threads. Each change is on the disk before it counts."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._failed_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)
        self._known = {table: self._read(table) for table in _READ}
        self._closed = self._read_closed()
        self._renewals: dict[str, int] = dict(self._database.execute("SELECT team, times FROM renewed").fetchall())

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def record(self, team: str) -> Record:
        """What a team did so far."""
        with self._lock:
            return Record(**{table: dict(teams.get(team, {})) for table, teams in self._known.items()})  # pyright: ignore[reportArgumentType]

    def passes(self, team: str, step: str) -> bool:
        """Write down that a team passed a step. Gives whether that is new."""
        return self._write("passed", team, step)

    def starts(self, team: str, step: str) -> bool:
        """Write down that a team begins a step. Gives whether that is new."""
        return self._write("started", team, step)

    def takes_hint(self, team: str, step: str) -> bool:
        """Write down that a team saw a step's hint. Gives whether that is new."""
        return self._write("hinted", team, step)

    def fails(self, team: str, step: str) -> bool:
        """Count a check that a team asked for in vain. Gives whether it counts: one a second does, for each is written
        to the disk that all teams share."""
        with self._lock:
            if self._clock() - self._failed_at.get(team, 0.0) < 1.0:
                return False
            self._failed_at[team] = self._clock()
            times = self._known["failed"].setdefault(team, {}).get(step, 0) + 1
            self._database.execute("INSERT OR REPLACE INTO failed VALUES (?, ?, ?)", (team, step, int(times)))
            self._known["failed"][team][step] = times
            return True

    def renewals(self, team: str) -> int:
        """How often the operators renewed a team's code."""
        with self._lock:
            return self._renewals.get(team, 0)

    def renew(self, team: str) -> None:
        """Write down that the operators renewed a team's code once more."""
        with self._lock:
            times = self._renewals.get(team, 0) + 1
            self._database.execute("INSERT OR REPLACE INTO renewed VALUES (?, ?)", (team, times))
            self._renewals[team] = times

    @property
    def running_since(self) -> float | None:
        """When the operators began the hunt; None while it is closed."""
        with self._lock:
            row = self._database.execute("SELECT since FROM running").fetchone()
        return None if row is None else row[0]

    def run(self, *, running: bool) -> None:
        """Begin the hunt or close it."""
        with self._lock:
            since = self._clock() if running else None
            self._database.execute("INSERT OR REPLACE INTO running VALUES (1, ?)", (since,))
            if running:
                self._database.execute("UPDATE closed SET until = ? WHERE until IS NULL", (since,))
            else:
                self._database.execute("INSERT INTO closed VALUES (?, NULL)", (self._clock(),))
            self._closed = self._read_closed()

    def open_seconds(self, start: float, end: float | None = None) -> float:
        """Seconds from one moment to another, without those for which the hunt was closed. end: by default now."""
        with self._lock:
            now = self._clock()
            last = now if end is None else end
            closed = sum(
                max(0.0, min(last, now if until is None else until) - max(start, since))
                for since, until in self._closed
            )
        return max(0.0, last - start - closed)

    def _write(self, table: str, team: str, step: str) -> bool:
        with self._lock:
            steps = self._known[table].setdefault(team, {})
            if step in steps:
                return False
            now = self._clock()
            self._database.execute(_RECORD[table], (team, step, now))
            steps[step] = now
            return True

    def _read_closed(self) -> list[tuple[float, float | None]]:
        return self._database.execute("SELECT since, until FROM closed").fetchall()

    def _read(self, table: str) -> dict[str, dict[str, float]]:
        teams: dict[str, dict[str, float]] = {}
        for team, step, value in self._database.execute(_READ[table]):
            teams.setdefault(team, {})[step] = value
        return teams

"""Lines of the doctor's table, and what a check is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from dns.resolver import Resolver
from scaleway import Client

from common.settings import Settings


class State(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"
    """It may go wrong, or could not be looked at."""
    FAILURE = "failure"
    """An update would fail, or do harm."""


@dataclass(frozen=True)
class Line:
    """What was found about one thing."""

    what: str
    state: State
    found: str
    mend: str = ""
    """A command or an address that mends it."""


def ok(what: str, found: str) -> Line:
    """A line that needs nobody."""
    return Line(what, State.OK, found)


def warning(what: str, found: str, mend: str = "") -> Line:
    """A line to look at."""
    return Line(what, State.WARNING, found, mend)


def failure(what: str, found: str, mend: str) -> Line:
    """A line that must be mended first."""
    return Line(what, State.FAILURE, found, mend)


@dataclass(frozen=True)
class Environment:
    """The environment that is looked at."""

    stack: str
    settings: Settings
    client: Client
    resolver: Resolver
    days: int
    """How long the event takes."""


Check = Callable[[Environment], Iterable[Line]]
"""Asks about one concern. ScalewayException and requests' errors that it lets through become a line of their own."""

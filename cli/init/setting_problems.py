"""Settings held against what the program takes, before they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.fields import Kind, RefusedError, ReportedError
from common.problems import Place, Problem
from common.settings import SettingsError, parse


def refusals(kind: Kind[Any], value: object) -> Sequence[Problem]:
    """What a setting of that kind finds wrong with a value."""
    problems: list[Problem] = []
    try:
        kind.read(value, Place("", problems))
    except RefusedError as refused:
        problems.append(Problem("", "", str(refused)))
    except ReportedError:
        pass
    return problems


def problems_of(settings: Mapping[str, object], stack: str) -> Sequence[Problem]:
    """What the program would find wrong with those settings."""
    try:
        parse(settings, stack)
    except SettingsError as error:
        return error.problems
    return ()

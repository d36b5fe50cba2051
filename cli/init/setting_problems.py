"""Settings held against what the program takes, before they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from common.settings import SettingsError, parse
from common.settings.problems import Place, Problem
from common.settings.reading import RefusedError, read
from common.settings.schema import Schema


def refusals(schema: Schema, value: object) -> Sequence[Problem]:
    """What a setting of that schema finds wrong with a value; the value itself is not repeated, only its entries."""
    problems: list[Problem] = []
    with suppress(RefusedError):
        read(schema, value, Place("", problems))
    return [each if each.key else replace(each, value="") for each in problems]


def problems_of(settings: Mapping[str, object], stack: str) -> Sequence[Problem]:
    """What the program would find wrong with those settings."""
    try:
        parse(settings, stack)
    except SettingsError as error:
        return error.problems
    return ()

"""Constraints of plain values, as metadata of pydantic's types: the sentence that says what is allowed, and the check.

A constraint stands in `Annotated[str, …]`. Whatever pydantic or the check refuses, the message is the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import GetCoreSchemaHandler, Strict
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from common.settings.problems import closest
from common.settings.secret import Secret

STATED: Final = "stated"
"""Type of an error that has its own sentence, and perhaps a line of a file."""


def stated(sentence: str, line: str = "") -> PydanticCustomError:
    """The error of a value that is wrong in another way than its constraint says."""
    return PydanticCustomError(STATED, "{sentence}", {"sentence": sentence, "line": line})


@dataclass(frozen=True, kw_only=True, eq=False)
class Constraint:
    """What a plain value must be beside its type."""

    allowed: str
    """Noun with its properties, for messages and documents, such as 'a UUID'."""
    from_file: bool = False
    """Whether the value is long or has several lines, and so comes from a file."""
    placeholder: str = "VALUE"
    """What stands for the value in a command."""

    def closest(self, value: object) -> str | None:
        """The allowed value that a wrong one was meant to be in all likelihood."""
        del value
        return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Text(Constraint):
    """Text that a test accepts. A ValueError of the test is a no, and so is JSON that is nested too deep for it."""

    accepts: Callable[[str], bool]
    normalized: Callable[[str], str] = str
    """What the text becomes."""
    known: Collection[str] = ()
    """The accepted texts, where they are few."""
    meant: Callable[[str], str | None] = field(default=lambda _: None)
    """The accepted text that a refused one was meant to be, where `known` does not tell."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: str | Secret) -> str | Secret:
        text = value.value if isinstance(value, Secret) else value
        try:
            accepted = self.accepts(text)
        except RecursionError as error:
            raise ValueError(self.allowed) from error
        if not accepted:
            raise ValueError(self.allowed)
        return type(value)(self.normalized(text))

    def closest(self, value: object) -> str | None:
        return closest(str(value), self.known) if self.known else self.meant(str(value))


def matching(allowed: str, pattern: str) -> Text:
    """Text that a pattern describes from end to end."""
    compiled = re.compile(pattern)
    return Text(allowed=allowed, accepts=lambda value: compiled.fullmatch(value) is not None)


def one_of(names: Collection[str]) -> Text:
    """One of a few words that are no literals."""
    return Text(allowed=f"one of {', '.join(names)}", accepts=lambda value: value in names, known=names)


@dataclass(frozen=True, kw_only=True, eq=False)
class WholeNumber(Constraint):
    """Whole number within bounds, both included; text and true are none."""

    lowest: int
    highest: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.int_schema(ge=self.lowest, le=self.highest, strict=True)


def whole_number(lowest: int, highest: int, unit: str = "") -> WholeNumber:
    """Constraint of a whole number, with the unit in its sentence."""
    allowed = f"a whole number from {lowest} to {highest}{' ' + unit if unit else ''}"
    return WholeNumber(allowed=allowed, lowest=lowest, highest=highest)


Flag = Annotated[bool, Strict(), Constraint(allowed="true or false")]
"""True or false; text and numbers are neither."""


class NotEmpty:
    """At least one entry in a list or a map."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Not pydantic's own min_length: a list whose only entry is wrong counts as empty there, beside that mistake.
        return core_schema.no_info_after_validator_function(_with_an_entry, handler(source))


def _with_an_entry(value: Collection[object]) -> Collection[object]:
    if not value:
        raise ValueError("must not be empty")
    return value


AT_LEAST_ONE: Final = NotEmpty()


@dataclass(frozen=True, eq=False)
class Overriding:
    """Map that replaces some of the values which known names have by default."""

    defaults: Mapping[str, str]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._merged, handler(source))

    def _merged(self, given: Mapping[str, str]) -> Mapping[str, str]:
        return {**self.defaults, **given}

"""Values that have no others inside them: one word of a few, a number, true or false, and text."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeVar

from common.fields import Plain, RefusedError, Secret
from common.problems import nearest

T = TypeVar("T")


def one_of(names: Collection[str]) -> Plain[str]:
    """One of a few words."""
    allowed = f"one of {', '.join(names)}"

    def convert(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise RefusedError(f"must be {allowed}", meant=nearest(str(value), names))

    return Plain(allowed, convert)


def integer(lowest: int, highest: int, unit: str = "") -> Plain[int]:
    """A whole number within bounds, both included."""
    allowed = f"a whole number from {lowest} to {highest}{' ' + unit if unit else ''}"

    def convert(value: object) -> int:
        # A bool is an int to Python, but not to whoever wrote it.
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        raise RefusedError(f"must be {allowed}")

    return Plain(allowed, convert, is_text=False)


def _true_or_false(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise RefusedError("must be true or false")


boolean: Final = Plain("true or false", _true_or_false, is_text=False)


def text(allowed: str, accepts: Callable[[str], bool], *, from_file: bool = False) -> Plain[str]:
    """Text that a test accepts; a ValueError of the test is a no, and so is JSON that is nested too deep for it."""

    def convert(value: object) -> str:
        try:
            if isinstance(value, str) and accepts(value):
                return value
        except (ValueError, RecursionError) as error:
            raise RefusedError(f"must be {allowed}") from error
        raise RefusedError(f"must be {allowed}")

    return Plain(allowed, convert, from_file=from_file)


def secret(plain: Plain[str]) -> Plain[Secret]:
    """The same text, kept from every message and encrypted in the stack's file and state."""
    return Plain(plain.allowed, lambda value: Secret(plain.convert(value)), secret=True, from_file=plain.from_file)


def optional(plain: Plain[T]) -> Plain[T | None]:
    """The same kind for a setting that may be left out; it is None then."""
    return Plain(plain.allowed, plain.convert, secret=plain.secret, from_file=plain.from_file)

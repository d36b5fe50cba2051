"""Values that have no others inside them: one word of a few, a number, true or false, and text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeVar

from common.fields import Kind, RefusedError, Secret
from common.problems import Place, closest

T = TypeVar("T")


class Plain(Kind[T]):
    """A value that has no others inside it."""

    def __init__(
        self,
        allowed: str,
        convert: Callable[[object], T],
        *,
        secret: bool = False,
        from_file: bool = False,
        is_text: bool = True,
    ) -> None:
        super().__init__(allowed, secret=secret)
        self.convert = convert
        self.is_text = is_text
        self.from_file = from_file
        """Whether it is long or has several lines, and so comes from a file."""

    def read(self, value: object, at: Place) -> T:
        del at
        return self.convert(value)

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        if self.from_file:
            return (at.set_from_file(secret=self.secret),)
        if self.secret:
            return (at.set_secret(),)
        return (at.set(meant or "VALUE", text=len(at.steps) > 1 and self.is_text and self._takes("1", "true")),)

    def mend(self, value: object, at: Place, meant: str | None = None) -> Sequence[str]:
        # The engine leaves what stands in quotes in quotes, and a number in quotes is text.
        quoted = isinstance(value, str) and not self.is_text
        return (*((at.remove(),) if quoted else ()), *self.fill(at, meant))

    def _takes(self, *values: str) -> bool:
        """Whether it may be one of these texts."""
        for value in values:
            try:
                self.convert(value)
            except RefusedError:
                continue
            return True
        return False


def one_of(names: Collection[str]) -> Plain[str]:
    """One of a few words."""
    allowed = f"one of {', '.join(names)}"

    def convert(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise RefusedError(f"must be {allowed}", meant=closest(str(value), names))

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

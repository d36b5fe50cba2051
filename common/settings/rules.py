"""Rules between settings: values that are allowed one by one may still not go together."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final, TypeVar

from common.settings.problems import Place


@dataclass(frozen=True)
class Conflict:
    """What a rule found: a value that its field allows, but not beside the other settings."""

    key: str | Sequence[str]
    """Relative to the section that has the rule; its steps one by one where a name in it may have a dot."""
    value: object
    """The value in question; None where it is a secret, "" where there is none."""
    allowed: str
    meant: str | None = None
    """What was meant in all likelihood."""
    remedy: Callable[[Place], Sequence[str]] | None = None
    """The commands that mend it where no other value does."""

    @property
    def steps(self) -> Sequence[str]:
        """The key, step by step."""
        return [each for each in self.key.split(".") if each] if isinstance(self.key, str) else self.key


def left_out(at: Place) -> Sequence[str]:
    """The remedy for what must not be there."""
    return (at.remove(),)


Rule = Callable[[Any], Iterable[Conflict]]
_RULE: Final = "_settings_rule"
R = TypeVar("R", bound=Rule)


def rule(method: R) -> R:
    """Mark a method of a section as a rule between settings: it yields the conflicts that it sees."""
    setattr(method, _RULE, True)
    return method


def rules_of(cls: type) -> Generator[Rule]:
    """The rules of a section, its bases' too."""
    for base in cls.__mro__:
        yield from (each for each in vars(base).values() if isinstance(each, FunctionType) and hasattr(each, _RULE))

"""Typed, validated sections of settings: what a value may be is said once, beside its field.

A section is a frozen dataclass whose fields are made by `setting`. Reading one collects every
problem instead of stopping at the first: what can be read is read, and a rule that needs a value
which could not be read is passed over, because that value has been reported already.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast, dataclass_transform, overload

import pulumi

T = TypeVar("T")

HIDDEN: Final = "(hidden)"
LONGEST_SHOWN: Final = 60
"""Characters of a wrong value that a message repeats."""


class RefusedError(Exception):
    """A value cannot be what its field wants; the text says what it must be."""


class ReportedError(Exception):
    """A list or map has entries that were refused, and reported: it is not whole, so no rule may judge by it."""


@dataclass(frozen=True)
class Problem:
    """One wrong setting."""

    key: str
    """Where it stands, such as `scaleway.region` or `boards.main.pools.small.size`."""
    value: str
    """What stands there, fit to be shown: never a secret, empty where nothing stands there."""
    allowed: str
    """What it must be, as a sentence that the key begins."""

    def __str__(self) -> str:
        shown = f" = {self.value}" if self.value else ""
        return f"{self.key}{shown}: {self.allowed}"


@dataclass(frozen=True)
class Secret:
    """A value that no message, log or state may show."""

    value: str = field(repr=False)

    def __repr__(self) -> str:
        return f"Secret{HIDDEN}"

    @property
    def output(self) -> pulumi.Output[str]:
        """The value for a resource; the engine encrypts it in the state."""
        return pulumi.Output.secret(self.value)


@dataclass(frozen=True)
class Place:
    """Where in the settings a value stands, and the list that its problems go to."""

    key: str
    problems: list[Problem]

    def child(self, name: str) -> Place:
        return Place(f"{self.key}.{name}" if self.key else name, self.problems)

    def report(self, value: object, allowed: str, *, secret: bool = False) -> None:
        self.problems.append(Problem(self.key, HIDDEN if secret else shown(value), allowed))


def shown(value: object) -> str:
    """A wrong value as a message may repeat it.

    Objects are named only, and so is what looks like a key or a password in a URL: they may hold
    a secret that was put in the wrong place.
    """
    if isinstance(value, Mapping):
        return "(an object)"
    if isinstance(value, str) and ("PRIVATE KEY" in value or "@" in value.partition("//")[2]):
        return HIDDEN
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that a mistyped one is closest to, or nothing."""
    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f" (did you mean {folded[close[0]]}?)" if close else ""


class Kind(ABC, Generic[T]):
    """What a value may be: a sentence for people, and the reading that refuses everything else."""

    def __init__(self, allowed: str, *, secret: bool = False) -> None:
        self.allowed = allowed
        self.secret = secret

    @abstractmethod
    def read(self, value: object, at: Place) -> T:
        """The typed value.

        Raises RefusedError for the value itself. Problems inside it are reported to `at`; ReportedError then says
        that too little is left of it.
        """

    def inside(self, step: str | int) -> Kind[Any] | None:
        """What may stand inside it under a name, or in a list at an index; None for what has no such place."""
        del step
        return None


class Plain(Kind[T]):
    """A value that has no others inside it."""

    def __init__(self, allowed: str, convert: Callable[[object], T], *, secret: bool = False) -> None:
        super().__init__(allowed, secret=secret)
        self.convert = convert

    def read(self, value: object, at: Place) -> T:
        del at
        return self.convert(value)


class ListOf(Kind[tuple[T, ...]]):
    """A list whose elements are all of one kind."""

    def __init__(self, element: Kind[T], *, least: int = 0) -> None:
        count = "a list" if least == 0 else f"a list of at least {least}"
        super().__init__(f"{count}, each {element.allowed}", secret=element.secret)
        self.element = element
        self._least = least

    def inside(self, step: str | int) -> Kind[Any] | None:
        return self.element if isinstance(step, int) else None

    def read(self, value: object, at: Place) -> tuple[T, ...]:
        if not isinstance(value, list) or len(cast("list[object]", value)) < self._least:
            raise RefusedError(f"must be {self.allowed}")
        entries = cast("list[object]", value)
        found = [typed for n, entry in enumerate(entries) for typed in _entry(self.element, entry, at.child(str(n)))]
        if len(found) < len(entries):
            raise ReportedError
        return tuple(found)


class MapOf(Kind[Mapping[str, T]]):
    """An object that gives each of several names a value of one kind."""

    def __init__(self, name: Kind[str], element: Kind[T], *, least: int = 0) -> None:
        count = "an object" if least == 0 else f"an object with at least {least} entry"
        super().__init__(f"{count} of names, each {name.allowed}", secret=element.secret)
        self.element = element
        self._name = name
        self._least = least

    def inside(self, step: str | int) -> Kind[Any] | None:
        return self.element if isinstance(step, str) else None

    def read(self, value: object, at: Place) -> Mapping[str, T]:
        if not isinstance(value, dict) or len(cast("dict[str, object]", value)) < self._least:
            raise RefusedError(f"must be {self.allowed}")
        found: dict[str, T] = {}
        for name, entry in cast("dict[str, object]", value).items():
            place = at.child(name)
            typed = _entry(self.element, entry, place)
            try:
                self._name.read(name, place)
            except RefusedError as refused:
                # The name is what is wrong; its entry may hold anything and is not repeated.
                at.problems.append(Problem(place.key, "", f"has a name that {refused}"))
                continue
            found.update((name, each) for each in typed)
        if len(found) < len(cast("dict[str, object]", value)):
            raise ReportedError
        return found


class Section(Kind[T]):
    """An object with the settings that a section's class declares, and no other."""

    def __init__(self, cls: type[T]) -> None:
        self.cls = cls
        self.settings = settings_of(cls)
        super().__init__(
            f"an object with {', '.join(self.settings)}",
            secret=any(kind.secret for kind in self.settings.values()),
        )

    def inside(self, step: str | int) -> Kind[Any] | None:
        return self.settings.get(step) if isinstance(step, str) else None

    def read(self, value: object, at: Place) -> T:
        if not isinstance(value, dict):
            raise RefusedError(f"must be {self.allowed}")
        given = cast("dict[str, object]", value)
        instance = _read_fields(self.cls, given, at)
        for name in given:
            if name not in self.settings:
                at.problems.append(Problem(at.child(name).key, "", f"is no setting{nearest(name, self.settings)}"))
        _check_rules(instance, at)
        return instance


def _entry(kind: Kind[T], value: object, at: Place) -> list[T]:
    """The typed value alone in a list, which is empty when the value was refused and reported."""
    try:
        return [kind.read(value, at)]
    except RefusedError as refused:
        at.report(value, str(refused), secret=kind.secret)
    except ReportedError:
        pass
    return []


KIND: Final = "kind"
DEFAULT: Final = "default"
"""Names in the metadata of a section's fields: what it may be, and what it is by default."""


@overload
def setting(kind: Kind[T]) -> T: ...
@overload
def setting(kind: Kind[T], *, default: T) -> T: ...
def setting(kind: Kind[T], **default: T) -> T:
    """A field of a section: what it may be and, unless it must be given, what it is by default."""
    metadata = {KIND: kind, **default}
    if not default:
        return field(metadata=metadata)
    # A factory, because a plain default would stay on the class and answer for a value that was refused.
    return field(default_factory=lambda: default[DEFAULT], metadata=metadata)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
def section(cls: type[T]) -> type[T]:
    """Make a class of `setting` fields a section: a frozen dataclass built by keywords only."""
    return dataclass(frozen=True, kw_only=True)(cls)


def camel(name: str) -> str:
    """The key in the configuration of a field: `parent_zone` is set as `parentZone`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def settings_of(cls: type[Any]) -> dict[str, Kind[Any]]:
    """The keys that a section has in the configuration, each with what it may be."""
    return {camel(each.name): each.metadata[KIND] for each in dataclasses.fields(cls)}


def _read_fields(cls: type[T], given: Mapping[str, object], at: Place) -> T:
    """A section with those fields set that could be read; the others it has not at all."""
    instance = object.__new__(cls)
    for each in dataclasses.fields(cast("Any", cls)):
        kind = cast("Kind[object]", each.metadata[KIND])
        place = at.child(camel(each.name))
        value = given.get(camel(each.name))
        if value is not None:
            for typed in _entry(kind, value, place):
                object.__setattr__(instance, each.name, typed)
        elif DEFAULT in each.metadata:
            object.__setattr__(instance, each.name, each.metadata[DEFAULT])
        else:
            place.problems.append(Problem(place.key, "", f"is missing; it must be {kind.allowed}"))
    return instance


@dataclass(frozen=True)
class Conflict:
    """What a rule found: a value that its field allows, but not beside the other settings."""

    key: str
    """Relative to the section that has the rule."""
    value: object
    """The value in question; None where it is a secret."""
    allowed: str


Rule = Callable[[Any], Iterable[Conflict]]
_RULE: Final = "_settings_rule"
R = TypeVar("R", bound=Rule)


def rule(method: R) -> R:
    """Mark a method of a section as a rule between settings: it yields the conflicts that it sees."""
    setattr(method, _RULE, True)
    return method


def _rules_of(cls: type) -> Generator[Rule]:
    for base in cls.__mro__:
        yield from (cast("Rule", member) for member in vars(base).values() if hasattr(member, _RULE))


def _check_rules(instance: object, at: Place) -> None:
    for each in _rules_of(type(instance)):
        try:
            for conflict in each(instance):
                place = Place(".".join(filter(None, (at.key, conflict.key))), at.problems)
                place.report(conflict.value, conflict.allowed, secret=conflict.value is None)
        except AttributeError as error:
            if not _was_refused(error):
                raise


def _was_refused(error: AttributeError) -> bool:
    """Whether what a rule missed is a setting that was wrong and has been reported."""
    owner = type(error.obj)
    return dataclasses.is_dataclass(owner) and error.name in {each.name for each in dataclasses.fields(owner)}


def one_of(names: Collection[str]) -> Plain[str]:
    """One of a few words."""
    allowed = f"one of {', '.join(names)}"

    def convert(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise RefusedError(f"must be {allowed}{nearest(str(value), names)}")

    return Plain(allowed, convert)


def integer(lowest: int, highest: int, unit: str = "") -> Plain[int]:
    """A whole number within bounds, both included."""
    allowed = f"a whole number from {lowest} to {highest}{' ' + unit if unit else ''}"

    def convert(value: object) -> int:
        # A bool is an int to Python, but not to whoever wrote it.
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        raise RefusedError(f"must be {allowed}")

    return Plain(allowed, convert)


def _true_or_false(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise RefusedError("must be true or false")


boolean: Final = Plain("true or false", _true_or_false)


def text(allowed: str, accepts: Callable[[str], bool]) -> Plain[str]:
    """Text that a test accepts; a ValueError of the test is a no."""

    def convert(value: object) -> str:
        try:
            if isinstance(value, str) and accepts(value):
                return value
        except ValueError as error:
            raise RefusedError(f"must be {allowed}") from error
        raise RefusedError(f"must be {allowed}")

    return Plain(allowed, convert)


def secret(plain: Plain[str]) -> Plain[Secret]:
    """The same text, kept from every message and encrypted in the stack's file and state."""
    return Plain(plain.allowed, lambda value: Secret(plain.convert(value)), secret=True)


def optional(plain: Plain[T]) -> Plain[T | None]:
    """The same kind for a setting that may be left out; it is None then."""
    return Plain(plain.allowed, plain.convert, secret=plain.secret)

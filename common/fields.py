"""Typed, validated sections of settings: what a value may be is said once, beside its field.

A section is a frozen dataclass whose fields are made by `setting`. Reading one collects every
problem instead of stopping at the first: what can be read is read, and a rule that needs a value
which could not be read is passed over, because that value has been reported already.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast, dataclass_transform, overload

import pulumi

from common.problems import HIDDEN, Place, hint, nearest, shown
from common.rules import Conflict, rules_of

T = TypeVar("T")


class RefusedError(Exception):
    """A value cannot be what its field wants; the text says what it must be."""

    def __init__(self, allowed: str, *, meant: str | None = None) -> None:
        super().__init__(f"{allowed}{hint(meant)}")
        self.meant = meant
        """What was meant in all likelihood."""


class ReportedError(Exception):
    """A list or map has entries that were refused, and reported: it is not whole, so no rule may judge by it."""


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

    @abstractmethod
    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        """The commands that give it a value where it has none, or a wrong one of the same shape."""

    def mend(self, value: object, at: Place, meant: str | None = None) -> Sequence[str]:
        """The commands that put a right value in the place of a wrong one."""
        del value
        return self.fill(at, meant)


class Container(Kind[T]):
    """A value with others inside it."""

    shape: type
    """What it is in JSON."""

    def mend(self, value: object, at: Place, meant: str | None = None) -> Sequence[str]:
        if value is None or isinstance(value, self.shape):
            return self.fill(at, meant)
        # What is wrong goes first: the engine puts nothing into it. In a list, what follows takes its place.
        return (at.remove(), *(() if isinstance(at.steps[-1], int) else self.fill(at, meant)))


class ListOf(Container[tuple[T, ...]]):
    """A list whose elements are all of one kind."""

    shape = list

    def __init__(self, element: Kind[T], *, least: int = 0) -> None:
        count = "a list" if least == 0 else f"a list of at least {least}"
        super().__init__(f"{count}, each {element.allowed}", secret=element.secret)
        self.element = element
        self._least = least

    def inside(self, step: str | int) -> Kind[Any] | None:
        return self.element if isinstance(step, int) else None

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        return self.element.fill(at.child(0), meant)

    def read(self, value: object, at: Place) -> tuple[T, ...]:
        if not isinstance(value, list) or len(cast("list[object]", value)) < self._least:
            raise RefusedError(f"must be {self.allowed}")
        entries = cast("list[object]", value)
        # From the end, so that of several commands that remove an entry each still finds its own.
        read = [_entry(self.element, entries[n], at.child(n)) for n in reversed(range(len(entries)))]
        found = [typed for each in reversed(read) for typed in each]
        if len(found) < len(entries):
            raise ReportedError
        return tuple(found)


class MapOf(Container[Mapping[str, T]]):
    """An object that gives each of several names a value of one kind."""

    shape = dict

    def __init__(self, name: Kind[str], element: Kind[T], *, least: int = 0) -> None:
        count = "an object" if least == 0 else f"an object with at least {least} entry"
        super().__init__(f"{count} of names, each {name.allowed}", secret=element.secret)
        self.element = element
        self._name = name
        self._least = least

    def inside(self, step: str | int) -> Kind[Any] | None:
        return self.element if isinstance(step, str) else None

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        return self.element.fill(at.child("NAME"), meant)

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
                place.report("", f"has a name that {refused}", (place.remove(),))
                continue
            found.update((name, each) for each in typed)
        if len(found) < len(cast("dict[str, object]", value)):
            raise ReportedError
        return found


class Section(Container[T]):
    """An object with the settings that a section's class declares, and no other."""

    shape = dict

    def __init__(self, cls: type[T]) -> None:
        self.cls = cls
        self.settings = settings_of(cls)
        fields = dataclasses.fields(cast("Any", cls))
        self.required = frozenset(camel(each.name) for each in fields if DEFAULT not in each.metadata)
        super().__init__(
            f"an object with {', '.join(self.settings)}",
            secret=any(kind.secret for kind in self.settings.values()),
        )

    def inside(self, step: str | int) -> Kind[Any] | None:
        return self.settings.get(step) if isinstance(step, str) else None

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        required = {name: kind for name, kind in self.settings.items() if name in self.required}
        return [command for name, kind in required.items() for command in kind.fill(at.child(name), meant)]

    def read(self, value: object, at: Place) -> T:
        if not isinstance(value, dict):
            raise RefusedError(f"must be {self.allowed}")
        given = cast("dict[str, object]", value)
        instance = _read_fields(self.cls, given, at)
        for name in given:
            if name not in self.settings:
                place = at.child(name)
                place.report("", f"is no setting{nearest(name, self.settings)}", (place.remove(),))
        self._check_rules(instance, at)
        return instance

    def _check_rules(self, instance: object, at: Place) -> None:
        for each in rules_of(type(instance)):
            try:
                for conflict in each(instance):
                    self._report(conflict, at)
            except AttributeError as error:
                if not _was_refused(error):
                    raise

    def _report(self, conflict: Conflict, at: Place) -> None:
        kind: Kind[Any] | None = self
        for name in conflict.steps:
            step = int(name) if isinstance(kind, ListOf) else name
            kind, at = kind and kind.inside(step), at.child(step)
        value = HIDDEN if conflict.value is None else "" if conflict.value == "" else shown(conflict.value)
        commands = conflict.remedy(at) if conflict.remedy else kind.fill(at, conflict.meant) if kind else ()
        at.report(value, f"{conflict.allowed}{hint(conflict.meant)}", commands)


def _entry(kind: Kind[T], value: object, at: Place) -> list[T]:
    """The typed value alone in a list, which is empty when the value was refused and reported."""
    try:
        return [kind.read(value, at)]
    except RefusedError as refused:
        at.report(HIDDEN if kind.secret else shown(value), str(refused), kind.mend(value, at, refused.meant))
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
        name, kind = camel(each.name), cast("Kind[object]", each.metadata[KIND])
        place, value = at.child(name), given.get(name)
        if DEFAULT in each.metadata and name not in given:
            object.__setattr__(instance, each.name, each.metadata[DEFAULT])
        elif DEFAULT in each.metadata and value is None:
            place.report("null", f"must be {kind.allowed}, or left out", (place.remove(),))
        elif DEFAULT not in each.metadata and _is_nothing(kind, value) and not isinstance(kind, Section):
            place.report("", f"is missing; it must be {kind.allowed}", kind.fill(place))
        else:
            # What a section lacks is told setting by setting.
            present: object = {} if value is None else value
            for typed in _entry(kind, present, place):
                object.__setattr__(instance, each.name, typed)
    return instance


def _is_nothing(kind: Kind[Any], value: object) -> bool:
    """Whether a value is none: what the project file gives to a key that must be given counts as none, too."""
    empty: object = {} if isinstance(kind, MapOf) else "" if not isinstance(kind, Container) else None
    return value is None or value == empty


def _was_refused(error: AttributeError) -> bool:
    """Whether what a rule missed is a setting that was wrong and has been reported."""
    owner = type(error.obj)
    return dataclasses.is_dataclass(owner) and error.name in {each.name for each in dataclasses.fields(owner)}

"""Schema of the settings, read off the types of their sections: what is allowed, secret, and inside of what.

The checks themselves are pydantic's. Messages, documents and commands need what pydantic's own schema does not tell: a
sentence for each value, whether it is secret, and the commands that set it.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from common.settings.constraints import Constraint, NotEmpty, one_of
from common.settings.problems import Place
from common.settings.secret import Secret
from common.settings.section import CONFIGURATION, Section, camel, is_section


@dataclass(frozen=True, eq=False)
class Schema:
    """What a setting may be."""

    annotation: Any
    """Its type, with its constraints."""
    allowed: str
    """Noun with its properties, for messages and documents."""
    secret: bool
    """Whether it is secret, or has something secret inside."""

    def validated(self, value: object) -> Any:
        """The typed value of a configured one. Raises pydantic's ValidationError with every mistake."""
        adapter = cast("TypeAdapter[Any]", self._adapter)
        return adapter.validate_python(value, context=CONFIGURATION, by_alias=True, by_name=False)

    def takes(self, value: object) -> bool:
        """Whether a configured value is allowed."""
        try:
            self.validated(value)
        except ValidationError:
            return False
        return True

    @cached_property
    def _adapter(self) -> Any:
        return TypeAdapter(self.annotation)

    def inside(self, step: str | int) -> Schema | None:
        """What may stand inside under a name, or in a list at an index; None where there is no such place."""
        del step
        return None

    def descendant(self, steps: Iterable[str | int]) -> Schema | None:
        """What may stand inside at the end of several steps."""
        found: Schema | None = self
        for step in steps:
            found = found and found.inside(step)
        return found

    def at(self, key: str) -> Schema:
        """The schema of a setting by its key, such as `operators.cidrs`. Raises KeyError where there is none."""
        found = self.descendant(key.split("."))
        if found is None:
            raise KeyError(key)
        return found

    def closest(self, value: object) -> str | None:
        """The allowed value that a wrong one was meant to be in all likelihood."""
        del value
        return None

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        """The commands that give it a value where it has none, or a wrong one of the same shape."""
        raise NotImplementedError

    def mend(self, value: object, at: Place, meant: str | None = None) -> Sequence[str]:
        """The commands that put a right value in the place of a wrong one."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class ValueSchema(Schema):
    """A value with no others inside."""

    type: Any
    """Its type without constraints: `str`, `int`, `bool`, `Secret`, a `Literal`, or what a file is read into."""
    constraint: Constraint

    @property
    def is_text(self) -> bool:
        """Whether the value is text, not a number nor true or false."""
        return self.type not in {bool, int}

    def closest(self, value: object) -> str | None:
        return self.constraint.closest(value)

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        if self.constraint.from_file:
            return (at.set_from_file(secret=self.secret),)
        if self.secret:
            return (at.set_secret(),)
        text = len(at.steps) > 1 and self.is_text and (self.takes("1") or self.takes("true"))
        return (at.set(meant or self.constraint.placeholder, text=text),)

    def mend(self, value: object, at: Place, meant: str | None = None) -> Sequence[str]:
        # The engine leaves what stands in quotes in quotes, and a number in quotes is text.
        quoted = isinstance(value, str) and not self.is_text
        return (*((at.remove(),) if quoted else ()), *self.fill(at, meant))


@dataclass(frozen=True, eq=False)
class Container(Schema):
    """A value with others inside."""

    shape: type
    """What it is in JSON."""

    def mend(self, value: object, at: Place, meant: str | None = None) -> Sequence[str]:
        if value is None or isinstance(value, self.shape):
            return self.fill(at, meant)
        # What is wrong goes first: the engine puts nothing into it. In a list, what follows takes its place.
        return (at.remove(), *(() if at.steps and isinstance(at.steps[-1], int) else self.fill(at, meant)))


@dataclass(frozen=True, eq=False)
class ListSchema(Container):
    """A list whose elements are all of one type."""

    element: Schema

    def inside(self, step: str | int) -> Schema | None:
        return self.element if isinstance(step, int) else None

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        return self.element.fill(at.child(0), meant)


@dataclass(frozen=True, eq=False)
class MapSchema(Container):
    """An object that gives each of several names a value of one type."""

    name: Schema
    element: Schema

    def inside(self, step: str | int) -> Schema | None:
        return self.element if isinstance(step, str) else None

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        return self.element.fill(at.child("NAME"), meant)


@dataclass(frozen=True, eq=False)
class Setting:
    """A key of a section."""

    name: str
    """Name of the section's field."""
    schema: Schema
    info: FieldInfo


@dataclass(frozen=True, eq=False)
class SectionSchema(Container):
    """An object with the keys of a section, and no other."""

    section: type[Section]
    settings: Mapping[str, Setting]
    """By key, as the section's fields stand."""

    def inside(self, step: str | int) -> Schema | None:
        found = self.settings.get(step) if isinstance(step, str) else None
        return found and found.schema

    def fill(self, at: Place, meant: str | None = None) -> Sequence[str]:
        required = {key: each.schema for key, each in self.settings.items() if each.info.is_required()}
        return [command for key, schema in required.items() for command in schema.fill(at.child(key), meant)]


@cache
def schema_of(annotation: Any) -> Schema:
    """The schema of a type, such as `Settings` or `tuple[Cidr, ...]`. Raises TypeError for one without constraints."""
    bare, metadata = _taken_apart(annotation)
    for each in metadata:
        if isinstance(each, Constraint):
            return ValueSchema(annotation, each.allowed, bare is Secret, bare, each)
    if get_origin(bare) is Literal:
        constraint = one_of(get_args(bare))
        return ValueSchema(annotation, constraint.allowed, secret=False, type=bare, constraint=constraint)
    if is_section(bare):
        return _section(bare)
    not_empty = any(isinstance(each, NotEmpty) for each in metadata)
    if get_origin(bare) is tuple:
        element = schema_of(get_args(bare)[0])
        count = "a list of at least 1" if not_empty else "a list"
        return ListSchema(annotation, f"{count}, each {element.allowed}", element.secret, list, element)
    if get_origin(bare) is Mapping:
        name, element = map(schema_of, get_args(bare))
        count = "an object with at least 1 entry" if not_empty else "an object"
        return MapSchema(annotation, f"{count} of names, each {name.allowed}", element.secret, dict, name, element)
    raise TypeError(f"{annotation} has no constraint that says what is allowed: see common/settings/constraints.py")


def _taken_apart(annotation: Any, *outer: object) -> tuple[Any, Sequence[object]]:
    """A type without its metadata and without None, which stands for what is left out, and the metadata."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return _taken_apart(inner, *metadata, *outer)
    if get_origin(annotation) in _UNIONS:
        [inner] = (each for each in get_args(annotation) if each is not type(None))
        return _taken_apart(inner, *outer)
    return annotation, outer


_UNIONS: Final = (Union, types.UnionType)


def _section(section: type[Section]) -> SectionSchema:
    settings = {
        camel(name): Setting(name, schema_of(_annotation(info)), info) for name, info in section.model_fields.items()
    }
    allowed = f"an object with {', '.join(settings)}"
    secret = any(each.schema.secret for each in settings.values())
    return SectionSchema(section, allowed, secret, dict, section, settings)


def _annotation(info: FieldInfo) -> Any:
    """The whole type of a field: pydantic keeps the outermost metadata apart."""
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation

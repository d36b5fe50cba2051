"""Reading of values by their schema: pydantic checks them, and every mistake becomes a problem in the project's words.

Rules between settings are checked in any case, on what is left of a section whose other settings are wrong: a rule that
needs a setting which was refused is passed over, because that setting has been reported already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from common.settings.constraints import STATED
from common.settings.problems import HIDDEN, Place, Problem, hint, nearest, shown
from common.settings.rules import Conflict, Rule, rules_of
from common.settings.schema import Container, ListSchema, MapSchema, Schema, SectionSchema, ValueSchema
from common.settings.section import NULL, Section

Steps = tuple[str | int, ...]
_UNKNOWN: Final = "extra_forbidden"
_NAME: Final = "[key]"
"""What pydantic puts after a name of a map where the name itself is wrong."""
_LAST: Final = 1_000_000


class RefusedError(Exception):
    """Too little is left of a value for a rule to judge by; what is wrong has been reported."""


def read(schema: Schema, value: object, at: Place) -> Any:
    """The typed value, rules checked. Reports every problem to `at`; RefusedError where the value itself is wrong."""
    try:
        typed = schema.validated(value)
    except ValidationError as error:
        mistakes = _in_order(error.errors(include_url=False))
        for each in mistakes:
            _report(schema, at, each)
        return _left(schema, value, [each["loc"] for each in mistakes], at)
    _check(schema, typed, at)
    return typed


def _in_order(mistakes: Sequence[ErrorDetails]) -> Sequence[ErrorDetails]:
    """As they were found, but each list from its end: of several commands that remove an entry, each finds its own.

    A wrong name comes after its entry, for what is set in an entry that was removed would make the entry anew.
    """
    seen: dict[Steps, int] = {}

    def order(mistake: ErrorDetails) -> list[int]:
        loc = mistake["loc"]
        return [
            -step if isinstance(step, int) else seen.setdefault(loc[: number + 1], len(seen) + _LAST * (step == _NAME))
            for number, step in enumerate(loc)
        ]

    return sorted(mistakes, key=order)


def _report(schema: Schema, at: Place, mistake: ErrorDetails) -> None:
    """Add the problem of one mistake, in the words of the schema at its place."""
    loc = mistake["loc"]
    names = schema.descendant(loc[:-2])
    if loc[-1:] == (_NAME,) and isinstance(names, MapSchema) and mistake["type"] != _UNKNOWN:
        # The name is what is wrong; its entry may hold anything and is not repeated.
        at = at.descendant(loc[:-1])
        meant = names.name.closest(loc[-2])
        at.report("", f"has a name that must be {names.name.allowed}{hint(meant)}", (at.remove(),))
        return
    outer, inner, at = schema.descendant(loc[:-1]), schema.descendant(loc), at.descendant(loc)
    if inner is None:
        known = outer.settings if isinstance(outer, SectionSchema) else ()
        at.report("", f"is no setting{nearest(str(loc[-1]), known)}", (at.remove(),))
    elif mistake["type"] == "missing":
        at.report("", f"is missing; it must be {inner.allowed}", inner.fill(at))
    elif mistake["input"] is NULL:
        at.report("null", f"must be {inner.allowed}, or left out", (at.remove(),))
    elif mistake["type"] == STATED:
        _report_stated(inner, at, mistake)
    else:
        value = mistake["input"]
        told, meant = HIDDEN if inner.secret else shown(value), inner.closest(value)
        at.report(told, f"must be {inner.allowed}{hint(meant)}", inner.mend(value, at, meant))


def _report_stated(schema: Schema, at: Place, mistake: ErrorDetails) -> None:
    stated, value = mistake.get("ctx", {}), mistake["input"]
    if line := stated["line"]:
        at.problems.append(Problem(f"{at.key} {line}", shown(value), stated["sentence"]))
    else:
        at.report(shown(value), stated["sentence"], schema.mend(value, at))


def _left(schema: Schema, value: object, refused: Sequence[Steps], at: Place) -> Any:
    """What is left of a value without the refused places, rules checked. RefusedError where that is too little."""
    if not refused:
        typed = schema.validated(value)
        _check(schema, typed, at)
        return typed
    if () in refused:
        raise RefusedError
    below: defaultdict[str | int, list[Steps]] = defaultdict(list)
    for step, *rest in refused:
        below[step].append(tuple(rest))
    if isinstance(schema, SectionSchema):
        return _section_left(schema, cast("Mapping[str, object]", value), below, at)
    return _entries_left(cast("Container", schema), value, below, at)


def _section_left(
    schema: SectionSchema, value: Mapping[str, object], refused: Mapping[str | int, Sequence[Steps]], at: Place
) -> Section:
    """A section without its refused settings: reading one of them is an AttributeError."""
    given = schema.section.as_configured(value)
    left: dict[str, Any] = {}
    gone: list[str] = []
    for key, each in schema.settings.items():
        try:
            if key in given:
                left[each.name] = _left(each.schema, given[key], refused.get(key, ()), at.child(key))
        except RefusedError:
            gone.append(each.name)
    section = schema.section.model_construct(**left)
    for name in gone:
        # It would have its default, which nobody chose.
        vars(section).pop(name, None)
    check_rules(schema, section, rules_of(schema.section), at)
    return section


def _entries_left(
    schema: Container, value: object, refused: Mapping[str | int, Sequence[Steps]], at: Place
) -> Mapping[str, Any] | tuple[Any, ...]:
    """A list or map, if each of its entries is there, whole or not."""
    entries: Mapping[str | int, object] = (
        dict(enumerate(cast("list[object]", value)))
        if isinstance(value, list)
        else cast("Mapping[str | int, object]", value)
    )
    if any(step not in entries for step in refused):
        # pydantic tells half of a surrogate pair in a name as another character.
        raise RefusedError
    left: dict[Any, object] = {}
    is_whole = True
    for step, entry in entries.items():
        own = [each for each in refused.get(step, ()) if each != (_NAME,)]
        is_whole = is_whole and len(own) == len(refused.get(step, ()))
        try:
            left[step] = _left(cast("Schema", schema.inside(step)), entry, own, at.child(step))
        except RefusedError:
            is_whole = False
    if not is_whole:
        raise RefusedError
    return tuple(left.values()) if isinstance(schema, ListSchema) else left


def _check(schema: Schema, value: Any, at: Place) -> None:
    """Check the rules of a value that is right in itself, and of every section inside."""
    if value is None or isinstance(schema, ValueSchema):
        return
    if isinstance(schema, ListSchema):
        for index, each in enumerate(value):
            _check(schema.element, each, at.child(index))
    elif isinstance(schema, MapSchema):
        for name, each in value.items():
            _check(schema.element, each, at.child(name))
    elif isinstance(schema, SectionSchema):
        for key, each in schema.settings.items():
            _check(each.schema, getattr(value, each.name), at.child(key))
        check_rules(schema, value, rules_of(schema.section), at)


def check_rules(schema: Schema, section: Section, rules: Iterable[Rule], at: Place) -> None:
    """Report every conflict that the rules find in a section, as far as its settings were not refused."""
    for rule in rules:
        try:
            for conflict in rule(section):
                _report_conflict(schema, conflict, at)
        except AttributeError as error:
            if not _was_refused(error):
                raise


def _was_refused(error: AttributeError) -> bool:
    """Whether what a rule missed is a setting that was wrong and has been reported."""
    return isinstance(error.obj, Section) and error.name in type(error.obj).model_fields


def _report_conflict(schema: Schema, conflict: Conflict, at: Place) -> None:
    inner: Schema | None = schema
    for name in conflict.steps:
        step = int(name) if isinstance(inner, ListSchema) else name
        inner, at = inner and inner.inside(step), at.child(step)
    value = HIDDEN if conflict.value is None else "" if conflict.value == "" else shown(conflict.value)
    commands = conflict.remedy(at) if conflict.remedy else inner.fill(at, conflict.meant) if inner else ()
    at.report(value, f"{conflict.allowed}{hint(conflict.meant)}", commands)

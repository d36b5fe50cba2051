"""What a resource takes: its fields, and the two questions that the engine asks of them.

`checked` says whether the inputs are valid, and completes them. `differences` says what has changed,
and whether the change needs a new resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from rehearsal.plugins.properties import UNKNOWN, Asset, Properties, Secret, Value, holds_secret, reveal


class Kind(Enum):
    """The type of a field, in the words of an error message."""

    TEXT = "a string"
    INTEGER = "a whole number"
    BOOLEAN = "true or false"
    TEXTS = "a map of strings"
    TEXT_LIST = "a list of strings"
    LIST = "a list"
    OBJECT = "an object"
    SOURCE = "an asset or an archive"

    def accepts(self, value: Value) -> bool:
        return _ACCEPTS[self](value)


def _whole(value: Value) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and float(value).is_integer()


def _text(value: Value) -> bool:
    return isinstance(value, str) or value is UNKNOWN


_ACCEPTS: Mapping[Kind, Callable[[Value], bool]] = {
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.INTEGER: _whole,
    Kind.BOOLEAN: lambda value: isinstance(value, bool),
    Kind.TEXTS: lambda value: isinstance(value, dict) and all(_text(item) for item in value.values()),
    Kind.TEXT_LIST: lambda value: isinstance(value, list) and all(_text(item) for item in value),
    Kind.LIST: lambda value: isinstance(value, list),
    Kind.OBJECT: lambda value: isinstance(value, dict),
    Kind.SOURCE: lambda value: isinstance(value, Asset),
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input of a resource.

    default: what it is when it is not given; None when it then stays absent.
    replaces: whether a change needs a new resource.
    secret: whether it is kept encrypted even if the program did not say so.
    computed: whether the resource itself fills it in when it is not given, so that absence is no change.
    fields: of an OBJECT, what it holds.
    refused: why this provider does not take it although the official one does.
    """

    kind: Kind
    required: bool = False
    default: Value = None
    replaces: bool = False
    secret: bool = False
    computed: bool = False
    choices: tuple[str, ...] = ()
    fields: Mapping[str, Field] = field(default_factory=dict[str, "Field"])
    refused: str = ""


Fields = Mapping[str, Field]


@dataclass(frozen=True)
class Failure:
    """One input that cannot be taken: its path (`connection.port`) and why."""

    path: str
    reason: str


def checked(inputs: Properties, fields: Fields) -> tuple[Properties, list[Failure]]:
    """The inputs with their defaults and marks of secrecy, and everything that is wrong with them."""
    return _completed(inputs, fields), list(_failures(inputs, fields, ""))


def _failures(inputs: Properties, fields: Fields, prefix: str) -> Iterator[Failure]:
    for name, given in inputs.items():
        path = prefix + name
        known = fields.get(name)
        value = reveal(given)
        if name.startswith("__") or (name == "version" and not prefix):
            continue
        if known is None:
            yield Failure(path, f"{path} is not an input of this resource.")
        elif value is None or value is UNKNOWN:
            continue
        elif known.refused:
            yield Failure(path, f"{path} is not supported by this stand-in: {known.refused}")
        elif not known.kind.accepts(value):
            yield Failure(path, f"{path} must be {known.kind.value}.")
        elif known.choices and value not in known.choices:
            yield Failure(path, f"{path} must be one of {', '.join(known.choices)}; it is {value!r}.")
        elif known.fields and isinstance(value, dict):
            yield from _failures(value, known.fields, f"{path}.")
    for name, known in fields.items():
        if known.required and inputs.get(name) is None:
            yield Failure(prefix + name, f"{prefix}{name} is missing.")


def _completed(inputs: Properties, fields: Fields) -> Properties:
    complete: Properties = {name: value for name, value in inputs.items() if value is not None and name != "version"}
    for name, known in fields.items():
        if name not in complete and known.default is not None:
            complete[name] = known.default
        if name not in complete:
            continue
        value = complete[name]
        if known.fields:
            value = _inside(value, known.fields)
        if known.secret and not isinstance(value, Secret):
            value = Secret(value)
        complete[name] = value
    return complete


def _inside(value: Value, fields: Fields) -> Value:
    """Completes an object, through a mark of secrecy around it."""
    match value:
        case Secret(inner):
            return Secret(_inside(inner, fields))
        case dict():
            return _completed(value, fields)
        case _:
            return value


class Change(Enum):
    """How an input came to differ."""

    ADDED = "added"
    DELETED = "deleted"
    UPDATED = "updated"


@dataclass(frozen=True)
class Difference:
    """One input that has changed since the resource was last made or updated."""

    name: str
    change: Change
    replaces: bool


def differences(old: Properties, new: Properties, fields: Fields) -> list[Difference]:
    """What has changed from the old inputs to the new ones; secrecy alone is no change."""
    found: list[Difference] = []
    for name in sorted({*old, *new}):
        if name.startswith("__"):
            continue
        before, after = reveal(old.get(name)), reveal(new.get(name))
        if before == after:
            continue
        change = Change.ADDED if before is None else Change.DELETED if after is None else Change.UPDATED
        found.append(Difference(name, change, name in fields and fields[name].replaces))
    return found


def dressed(plain: Properties, inputs: Properties, fields: Fields, secret_outputs: frozenset[str]) -> Properties:
    """Plain outputs with their marks of secrecy.

    An output that repeats an input is that input, marks and all. Otherwise it is secret when the input of
    the same name is, or when the resource says so (pulumi-go-provider, infer/resource.go, markSecret).
    """
    outputs: Properties = {}
    for name, value in plain.items():
        given = inputs.get(name)
        declared = name in secret_outputs or (name in fields and fields[name].secret)
        if given is not None and reveal(given) == reveal(value):
            outputs[name] = Secret(given) if declared and not isinstance(given, Secret) else given
        elif value is not None and (declared or (holds_secret(given) and not holds_secret(value))):
            outputs[name] = Secret(value)
        else:
            outputs[name] = value
    return outputs

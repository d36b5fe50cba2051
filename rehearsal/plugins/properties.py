"""Property values as the engine sends them, and as Python.

The engine sends protobuf Structs in which a few objects are marked by a signature: secrets, assets and
archives; and a few strings stand for values that are not known before the update runs. Signatures and
strings: pulumi/pulumi, sdk/go/common/resource/properties.go and .../plugin/rpc.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias, cast

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# A provider may send back an unknown with the type of what will be there; there is one string for each type.
UNKNOWN_TEXTS = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


class Unknown(Enum):
    """A value that will be known only when the update runs."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A value that the engine keeps encrypted in its state."""

    value: Value


@dataclass(frozen=True)
class Asset:
    """A text, a file or a folder that the program hands over.

    signature: ASSET or ARCHIVE. Of text, path and uri the one that says where it is has a value.
    hash: the engine's SHA-256 of the content, hexadecimal. Two assets are equal when it is the same, wherever they lie.
    entries: the rest of what the engine sent (an archive made of assets), sent back as it came.
    """

    signature: str
    hash: str
    text: str = field(compare=False)
    path: str = field(compare=False)
    uri: str = field(compare=False)
    entries: Value = field(default=None, compare=False)


Value: TypeAlias = "bool | float | str | Unknown | Secret | Asset | list[Value] | dict[str, Value] | None"
Properties: TypeAlias = "dict[str, Value]"


def decode(struct: Struct) -> Properties:
    """Python from what the engine sent."""
    return {key: _decoded(value) for key, value in cast("dict[str, object]", MessageToDict(struct)).items()}


def _decoded(raw: object) -> Value:
    if isinstance(raw, dict):
        fields = cast("dict[str, object]", raw)
        match fields.get(SIGNATURE):
            case None:
                return {key: _decoded(value) for key, value in fields.items()}
            case str(signature) if signature == SECRET:
                return Secret(_decoded(fields.get("value")))
            case str(signature) if signature in {ASSET, ARCHIVE}:
                text, path, uri, digest = (str(fields.get(key, "")) for key in ("text", "path", "uri", "hash"))
                return Asset(signature, digest, text, path, uri, _decoded(fields.get("assets")))
            case other:
                raise ValueError(f"The engine sent a kind of value that this provider does not know: {other}.")
    if isinstance(raw, list):
        return [_decoded(value) for value in cast("list[object]", raw)]
    if isinstance(raw, str) and raw in UNKNOWN_TEXTS:
        return UNKNOWN
    if raw is None or isinstance(raw, bool | int | float | str):
        return raw
    raise TypeError(f"A protobuf Struct holds no {type(raw).__name__}.")


def encode(properties: Mapping[str, Value]) -> Struct:
    """What the engine is sent for those properties."""
    return ParseDict({key: _encoded(value) for key, value in properties.items()}, Struct())


def _encoded(value: Value) -> object:
    match value:
        case Unknown():
            return UNKNOWN_TEXT
        case Secret(inner):
            return {SIGNATURE: SECRET, "value": _encoded(inner)}
        case Asset():
            known = {"text": value.text, "path": value.path, "uri": value.uri, "hash": value.hash}
            fields: dict[str, object] = {key: text for key, text in known.items() if text}
            if value.signature == ASSET and not (value.path or value.uri):
                fields["text"] = value.text
            if value.entries is not None:
                fields["assets"] = _encoded(value.entries)
            return {SIGNATURE: value.signature, **fields}
        case list():
            return [_encoded(item) for item in value]
        case dict():
            return {key: _encoded(item) for key, item in value.items()}
        case _:
            return value


def reveal(value: Value) -> Value:
    """The value without its marks of secrecy, at any depth."""
    match value:
        case Secret(inner):
            return reveal(inner)
        case list():
            return [reveal(item) for item in value]
        case dict():
            return {key: reveal(item) for key, item in value.items()}
        case _:
            return value


def revealed(properties: Mapping[str, Value]) -> Properties:
    """The properties without their marks of secrecy."""
    return {key: reveal(value) for key, value in properties.items()}


def holds_secret(value: Value) -> bool:
    """Whether the value, or anything in it, is secret."""
    match value:
        case Secret():
            return True
        case list():
            return any(holds_secret(item) for item in value)
        case dict():
            return any(holds_secret(item) for item in value.values())
        case _:
            return False


def text_of(properties: Mapping[str, Value], key: str, default: str = "") -> str:
    """A property that has been checked to be a text, or the default where it is not given."""
    value = properties.get(key)
    return default if value is None else cast("str", value)


def number_of(properties: Mapping[str, Value], key: str, default: int) -> int:
    """A property that has been checked to be an integer, or the default where it is not given."""
    value = properties.get(key)
    return default if value is None else int(cast("float", value))


def truth_of(properties: Mapping[str, Value], key: str, *, default: bool) -> bool:
    """A property that has been checked to be a boolean, or the default where it is not given."""
    value = properties.get(key)
    return default if value is None else cast("bool", value)


def map_of(properties: Mapping[str, Value], key: str) -> Properties:
    """A property that has been checked to be an object, or an empty one where it is not given."""
    return cast("Properties", properties.get(key) or {})


def texts_of(properties: Mapping[str, Value], key: str) -> dict[str, str]:
    """A property that has been checked to be a map of texts, or an empty one where it is not given."""
    return cast("dict[str, str]", properties.get(key) or {})

"""What the answers to one operation look like: which keys there may be, and of which JSON types."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, cast

from tests.localcloud.contract.cassettes import Interaction

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MAPS = frozenset({"volumes", "servers", "labels", "kubelet_args", "available_kubelet_args", "conditions"})
"""Objects whose keys are data, not part of the API's shape."""


def type_of(value: object) -> str:
    """The JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case _:
            return "object"


def is_map(place: str, value: object) -> bool:
    """Whether an object's keys are data. `servers` is a list in some answers and a map in others."""
    return isinstance(value, dict) and place.rpartition(".")[2] in MAPS


def operation(interaction: Interaction) -> str:
    """Method and path, without what differs from one resource, zone or DNS zone to the next."""
    path = UUID.sub("{id}", interaction.path)
    path = re.sub(r"/(zones|regions)/[^/]+", r"/\1/{where}", path)
    path = re.sub(r"/dns-zones/[^/]+", "/dns-zones/{zone}", path)
    path = re.sub(r"/user_data/[^/]+", "/user_data/{key}", path)
    return f"{interaction.method} {path}"


class Shapes:
    """Every key and type that was seen, by operation, status and place."""

    def __init__(self, recorded: Iterable[Interaction]) -> None:
        self._types: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for interaction in recorded:
            if interaction.answer.startswith(("{", "[")):
                self._learn(self._types[self._key(interaction)], "", json.loads(interaction.answer))

    def types_at(self, interaction: Interaction, place: str) -> set[str]:
        """The types seen at a place in the answers to the same operation; none if the key was never there."""
        return self._types[self._key(interaction)][place]

    @staticmethod
    def _key(interaction: Interaction) -> str:
        return f"{operation(interaction)} {interaction.status}"

    def _learn(self, types: defaultdict[str, set[str]], place: str, value: object) -> None:
        types[place].add(type_of(value))
        if isinstance(value, dict):
            for key, inner in cast("dict[str, Any]", value).items():
                self._learn(types, f"{place}.{'*' if is_map(place, cast('object', value)) else key}", inner)
        elif isinstance(value, list):
            for inner in cast("list[Any]", value):
                self._learn(types, f"{place}[]", inner)

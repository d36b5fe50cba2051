"""Reads the JSON body of a request, and answers 400 with every wrong field at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from ipaddress import ip_network
from typing import Any, cast

from aiohttp import web

from rehearsal.scaleway.api_errors import ApiError, invalid_arguments
from rehearsal.scaleway.records import Record


class RequestBody:
    """The fields of one JSON object. A field that is null counts as absent, as Scaleway's SDKs send it.

    Each reader notes what is wrong and goes on with a default; `check` raises it all.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self._sent = set(values)
        self._wrong: list[Record] = []

    @classmethod
    async def of(cls, request: web.Request) -> RequestBody:
        """The body of a request; none counts as an empty object. Raises ApiError (400) unless it is one."""
        text = await request.text()
        try:
            values = json.loads(text or "{}")
        except json.JSONDecodeError as error:
            raise _not_an_object(f"the body is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise _not_an_object("the body is not a JSON object")
        return cls(cast("Record", values))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def sent(self, name: str) -> bool:
        """Whether the field is there at all, null included."""
        return name in self._sent

    def is_text(self, name: str) -> bool:
        return isinstance(self._values.get(name), str)

    def refuse(self, name: str, help_message: str, reason: str = "constraint") -> None:
        self._wrong.append({"argument_name": name, "reason": reason, "help_message": help_message})

    def check(self) -> None:
        """Raise ApiError (400) if anything was wrong."""
        if self._wrong:
            raise invalid_arguments(*self._wrong)

    def text(self, name: str, default: str | None = None) -> str:
        """A string; required when there is no default."""
        if name not in self._values:
            if default is None:
                self.refuse(name, f"{name} is required", "required")
            return default or ""
        value = self._values[name]
        if not isinstance(value, str):
            self.refuse(name, f"{name} must be a string", "format")
            return default or ""
        if default is None and not value:
            self.refuse(name, f"{name} must not be empty", "required")
        return value

    def maybe_text(self, name: str) -> str | None:
        return self.text(name, "") or None

    def choice(self, name: str, options: Collection[str], default: str) -> str:
        value = self.text(name, default)
        if value not in options:
            self.refuse(name, f"{name} must be one of {', '.join(sorted(options))}")
            return default
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            self.refuse(name, f"{name} must be true or false", "format")
            return default
        return value

    def integer(self, name: str, default: int, minimum: int = 0, maximum: int = 2**63) -> int:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, f"{name} must be a whole number", "format")
            return default
        if not minimum <= value <= maximum:
            self.refuse(name, f"{name} must be from {minimum} to {maximum}")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            self.refuse(name, f"{name} must be a list of strings", "format")
            return []
        return cast("list[str]", values)

    def objects(self, name: str) -> list[Record]:
        """A list of objects."""
        values = self._list(name)
        if not all(isinstance(value, dict) for value in values):
            self.refuse(name, f"{name} must be a list of objects", "format")
            return []
        return cast("list[Record]", values)

    def object(self, name: str) -> Record:
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            self.refuse(name, f"{name} must be an object", "format")
            return {}
        return cast("Record", value)

    def cidr(self, name: str, default: str) -> str:
        """An IP network in CIDR notation."""
        value = self.text(name, default)
        try:
            return str(ip_network(value))
        except ValueError as error:
            self.refuse(name, str(error), "format")
            return default

    def _list(self, name: str) -> list[Any]:
        values = self._values.get(name, [])
        if not isinstance(values, list):
            self.refuse(name, f"{name} must be a list", "format")
            return []
        return cast("list[Any]", values)


def _not_an_object(help_message: str) -> ApiError:
    return invalid_arguments({"argument_name": "body", "reason": "format", "help_message": help_message})

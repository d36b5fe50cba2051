"""Section of the settings: a frozen pydantic model whose keys are the fields' names in camel case.

A section is built in two ways: from Python by the fields' names, and from the configuration by its keys. Only in the
configuration (`CONFIGURATION`) does an empty value stand for one that is missing, as the engine hands them over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic.fields import FieldInfo

CONFIGURATION: Final = "configuration"
"""Context of a validation whose input is what the engine was configured with."""
NULL: Final = object()
"""Stands for null in an optional setting, where pydantic would take it for left out."""


def camel(name: str) -> str:
    """The key in the configuration of a field: `parent_zone` is set as `parentZone`."""
    # pydantic's own `to_camel` makes `k3SUrl` of `k3s_url`.
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Section(BaseModel):
    """An object of settings, and no other keys."""

    model_config = ConfigDict(
        alias_generator=camel,
        validate_by_name=True,
        extra="forbid",
        frozen=True,
        # The whole is built once, with what it holds, not each section by itself.
        defer_build=True,
        # A validation error is never printed; should one be, it shows no secret.
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _as_configured(cls, given: object, info: ValidationInfo) -> object:
        if info.context is not CONFIGURATION or not isinstance(given, dict):
            return given
        return cls.as_configured(cast("Mapping[str, object]", given))

    @classmethod
    def as_configured(cls, given: Mapping[str, object]) -> dict[str, object]:
        """What is configured: without what counts as none, and with each section, if only an empty one."""
        present = dict(given)
        for name, info in cls.model_fields.items():
            key = camel(name)
            value = given.get(key)
            if value is None and key in given and not info.is_required():
                present[key] = NULL
            elif is_section(info.annotation):
                present[key] = {} if value is None else value
            elif not info.is_required():
                continue
            elif value is None or value == _empty(info):
                present.pop(key, None)
        return present


def is_section(annotation: Any) -> bool:
    """Whether the type of a field is a section."""
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _empty(info: FieldInfo) -> object:
    """What the project file gives to a required setting by default."""
    origin = get_origin(info.annotation)
    return {} if origin is Mapping else None if origin is tuple else ""

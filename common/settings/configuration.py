"""Settings read from the engine's configuration, or from plain objects, and checked together."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import cast

import pulumi
from pulumi.runtime import config as engine

from common.settings.consistency import RULES
from common.settings.environment import ENVIRONMENTS, REHEARSAL, Settings
from common.settings.problems import HIDDEN, Place, SettingsError
from common.settings.reading import check_rules, read
from common.settings.schema import Container, SectionSchema, schema_of
from common.settings.stack_file import plain_secrets, stored


def load(config: pulumi.Config, stack: str) -> Settings:
    """The settings that the engine was configured with.

    Raises SettingsError with every problem, before anything is registered.
    """
    # The public API gives a value for a key, but not the keys that there are.
    prefix = f"{config.name}:"
    keys = [key.removeprefix(prefix) for key in engine.CONFIG.get() if key.startswith(prefix)]
    return parse(
        {key: config.get(key) for key in keys},
        stack,
        encrypted=[key for key in keys if engine.is_config_secret(prefix + key)],
        in_file=stored(Path(pulumi.get_root_directory() or "."), stack, config.name),
    )


def parse(
    given: Mapping[str, object],
    stack: str,
    *,
    encrypted: Collection[str] | None = None,
    in_file: Mapping[str, object] = MappingProxyType({}),
) -> Settings:
    """The settings in plain objects or as JSON, for the stack of that name.

    encrypted: the top-level keys that hold an encrypted value, as the engine says; None where that is not known.
    in_file: what the stack's file holds (`stack_file.stored`).
    Raises SettingsError with every problem.
    """
    top, schema = Place(stack, []), cast("SectionSchema", schema_of(Settings))
    plain = {key: _decoded(value, schema, top.child(key)) for key, value in given.items()}
    settings: Settings = read(schema, plain, top)
    check_rules(schema, settings, RULES, top)
    _check_stack(given.get("environment"), top.child("environment"))
    if encrypted is not None:
        for key, setting in schema.settings.items():
            held = in_file.get(key)
            for place in plain_secrets(
                setting.schema, plain.get(key), held, top.child(key), encrypted=key in encrypted
            ):
                place.report(HIDDEN, "stands in plain text and must be encrypted", (place.encrypt(),))
    if top.problems:
        raise SettingsError(top.problems)
    return settings


class _TwiceError(ValueError):
    """A name stands twice in one object."""


def _decoded(value: object, schema: SectionSchema, at: Place) -> object:
    """A value as its section wants it: the engine hands objects over as JSON, and text as it is."""
    if isinstance(value, str) and isinstance(schema.inside(at.key), Container):
        try:
            return json.loads(value, object_pairs_hook=_each_once)
        except _TwiceError as error:
            at.child(str(error)).report("", "must be given once")
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _each_once(entries: list[tuple[str, object]]) -> Mapping[str, object]:
    """JSON lets a name stand twice, and Python keeps the last: one of two boards would be gone without a word."""
    found: dict[str, object] = {}
    for name, value in entries:
        if name in found:
            raise _TwiceError(name)
        found[name] = value
    return found


def _check_stack(environment: object, at: Place) -> None:
    """One environment has one stack of its name, so that nobody changes production by a slip; rehearsals are many."""
    if environment not in ENVIRONMENTS:
        return
    matches = at.stack.startswith(REHEARSAL) if environment == REHEARSAL else at.stack == environment
    if not matches:
        meant = at.stack if at.stack in ENVIRONMENTS else "VALUE"
        allowed = f"must be the environment of the stack, which is {at.stack!r}"
        at.report(f'"{environment}"', allowed, (at.set(meant),))

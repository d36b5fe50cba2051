"""The stack's file, `Pulumi.STACK.yaml`: it alone knows which settings are encrypted.

The engine tells the program only which top-level keys hold a secret somewhere.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import cast

import yaml

from common.settings.problems import Place
from common.settings.schema import Schema, ValueSchema


def stored(project: Path, stack: str, namespace: str) -> Mapping[str, object]:
    """The settings as a stack's file holds them: scalars as text, an encrypted one as {"secure": …}.

    Empty without a file: the stack's settings then come from elsewhere (`--config-file`).
    """
    try:
        folder = _mapping(_text(project / "Pulumi.yaml")).get("stackConfigDir", "")
        # The engine names the file so: `qnameFileName` in sdk/go/common/workspace/paths.go.
        file = project / str(folder) / f"Pulumi.{stack.replace('/', '.')}.yaml"
        config = _mapping(_mapping(_text(file)).get("config"))
    except (OSError, yaml.YAMLError):
        return {}
    prefix = f"{namespace}:"
    return {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}


def plain_secrets(schema: Schema, value: object, in_file: object, at: Place, *, encrypted: bool) -> Generator[Place]:
    """The places of the secrets inside a value that stand in plain text.

    in_file: what the stack's file holds in the value's place. encrypted: whether the engine counts the value's
    top-level key among those that hold a secret.

    A secret is in plain text where the engine knows of none under its key, or where the file shows the very value.
    What is only in another file, or in an environment of Pulumi ESC, is judged by the engine's word alone.
    """
    children: Iterable[tuple[str | int, object, object]] = ()
    if isinstance(value, dict):
        held = _mapping(in_file)
        children = ((name, child, held.get(name)) for name, child in cast("dict[str, object]", value).items())
    elif isinstance(value, list):
        entries = cast("list[object]", in_file) if isinstance(in_file, list) else []
        pairs = zip_longest(cast("list[object]", value), entries)
        children = ((index, child, entry) for index, (child, entry) in enumerate(pairs))
    elif (
        isinstance(schema, ValueSchema) and schema.secret and value is not None and (not encrypted or value == in_file)
    ):
        yield at
    for step, child, entry in children:
        if inner := schema.inside(step):
            yield from plain_secrets(inner, child, entry, at.child(step), encrypted=encrypted)


def _text(file: Path) -> object:
    # Every scalar stays the text that it is, whatever YAML would make of it: nothing is built.
    return yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}

"""Documents of the settings, written from their sections: the configuration in Pulumi.yaml, and docs/settings.md.

`python -m common.settings.documents` writes both; a test holds the committed files against what it would write.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final, cast

from common.settings.environment import Settings
from common.settings.problems import Place
from common.settings.schema import ListSchema, MapSchema, Schema, SectionSchema, Setting, ValueSchema, schema_of
from common.settings.section import Section

PROJECT: Final = Path(__file__).parents[2]
PROJECT_FILE: Final = PROJECT / "Pulumi.yaml"
TABLES_FILE: Final = PROJECT / "docs" / "settings.md"
WIDTH: Final = 120
_BEGIN: Final = "config:\n"
_CONFIG: Final = """\
config:
  # Every resource says which account or cluster it belongs to; one that forgot must not fall back on the shell's.
  pulumi:disable-default-providers:
    value: [command, github, kubernetes, rancher2, scaleway]
  # Written by `.venv/bin/python -m common.settings.documents` from common/settings: change a setting there, not here.
  # An object's settings are listed in its description: NAME is a name of your choice, N an index from 0.
  # No key has a type, and each a default, if only an empty one: the engine would stop at the first that is missing or
  # of another type, and the program names all that is wrong at once. What must be given is marked as required.
"""
_HEAD: Final = """\
# Settings

Configuration of an environment, one table per key of [`Pulumi.yaml`](../Pulumi.yaml). In keys, NAME is a name of your
choice and N an index from 0. In commands, put in your own VALUE, NAME and FILE, and the environment's name for STACK; a
secret is asked for, and not shown. `make init STACK=…` sets what has a usual choice and makes every key and password.

This page is written by `.venv/bin/python -m common.settings.documents` from `common/settings`: change a setting
there, not here.
"""
_TYPES: Final[Mapping[object, str]] = {bool: "true or false", int: "number"}


@dataclass(frozen=True)
class Entry:
    """A setting, as documents say it."""

    key: str
    """Such as `boards.NAME.pools.NAME.taints.N.key`."""
    setting: Setting
    meaning: str
    command: str
    """The command that sets it; empty for an object, whose own settings are set."""

    @property
    def schema(self) -> Schema:
        return self.setting.schema

    @property
    def type(self) -> str:
        """The type in JSON."""
        if isinstance(self.schema, ValueSchema):
            name = _TYPES.get(self.schema.type, "text")
            return f"secret {name}" if self.schema.secret else name
        if isinstance(self.schema, ListSchema):
            return "list of objects" if isinstance(self.schema.element, SectionSchema) else "list of text"
        if isinstance(self.schema, MapSchema):
            return "object of names" if isinstance(self.schema.element, SectionSchema) else "object of names to text"
        return "object"

    @property
    def default(self) -> str | None:
        """The default as it would be typed; None where there is none, and where its own settings have theirs."""
        value: object = self.setting.info.default
        if isinstance(value, tuple):
            value = ", ".join(map(str, cast("tuple[object, ...]", value)))
        if self.setting.info.is_required() or not isinstance(value, (str, int)) or value == "":
            return None
        return value if isinstance(value, str) else json.dumps(value)

    @property
    def state(self) -> str:
        """Whether the setting must be given, its default and its type, in few words."""
        said = "required" if self.setting.info.is_required() else "optional"
        if self.default is not None:
            said = f"default {self.default}"
        return said if self.type in {"text", "number", "true or false"} else f"{said}, {self.type}"

    @property
    def allowed(self) -> str:
        """What the value may be; empty for an object, whose own settings say so."""
        if isinstance(self.schema, MapSchema) and isinstance(self.schema.element, ValueSchema):
            return f"{self.schema.allowed}, to {self.schema.element.allowed}"
        inner = getattr(self.schema, "element", self.schema)
        return "" if isinstance(inner, SectionSchema) else self.schema.allowed


def entries(schema: SectionSchema, at: Place) -> Generator[Entry]:
    """Each setting of a section and inside of it, at any depth."""
    meanings = _meanings(schema.section)
    for key, setting in schema.settings.items():
        place = at.child(key)
        inner = setting.schema
        inside = _inside(inner, place)
        command = "" if inside else " && ".join(inner.fill(place))
        yield Entry(_dotted(place), setting, meanings[setting.name], command)
        if inside:
            yield from entries(*inside)


def _inside(schema: Schema, at: Place) -> tuple[SectionSchema, Place] | None:
    """The section that a setting is, or that each of its entries is."""
    if isinstance(schema, MapSchema):
        return _inside(schema.element, at.child("NAME"))
    if isinstance(schema, ListSchema):
        return _inside(schema.element, at.child(0))
    return (schema, at) if isinstance(schema, SectionSchema) else None


def _dotted(at: Place) -> str:
    return ".".join("N" if isinstance(step, int) else step for step in at.steps)


@cache
def _meanings(section: type[Section]) -> Mapping[str, str]:
    """The text under each field of a section, on one line.

    pydantic's `use_attribute_docstrings` would read the source of every section at each command of the engine.
    """
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    body = cast("ast.ClassDef", tree).body
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def project_file(current: str) -> str:
    """Pulumi.yaml with its configuration written anew; what stands before it stays."""
    head, found, _ = current.partition(_BEGIN)
    if not found:
        raise ValueError(f"{PROJECT_FILE.name} has no line 'config:'")
    written = "".join(_described(group) for group in _grouped())
    return f"{head}{_CONFIG}{written}"


def tables() -> str:
    """docs/settings.md."""
    plain = [group for group in _grouped() if len(group) == 1]
    objects = [group for group in _grouped() if len(group) > 1]
    sections = [("Environment and names", "", [group[0] for group in plain])]
    sections += [(group[0].key, f"{group[0].meaning}\n\n", group[1:]) for group in objects]
    return _HEAD + "".join(f"\n## {title}\n\n{meaning}{_table(rows)}" for title, meaning, rows in sections)


def _grouped() -> list[list[Entry]]:
    """Each key of the configuration with the settings inside."""
    groups: list[list[Entry]] = []
    for entry in entries(cast("SectionSchema", schema_of(Settings)), Place("STACK", [])):
        if "." not in entry.key:
            groups.append([])
        groups[-1].append(entry)
    return groups


def _described(group: list[Entry]) -> str:
    """One key of the configuration in Pulumi.yaml."""
    top, *inner = group
    default = '""' if top.default is None else top.default
    if not isinstance(top.schema, ValueSchema):
        default = "{}"
    lines = [f"  {top.key}:", f"    default: {default}"]
    lines.append("    description: |-" if inner else "    description: >-")
    lines += _wrapped(_sentence(top), "      ")
    for each in inner:
        lines += _wrapped(f"- {each.key} ({each.state}): {_sentence(each)}", "      ", "        ")
    return "\n".join(lines) + "\n"


def _sentence(entry: Entry) -> str:
    return f"{entry.meaning} Allowed: {entry.allowed}." if entry.allowed else entry.meaning


def _wrapped(text: str, first: str, rest: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest or first,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(rows: list[Entry]) -> str:
    head = "| key | type | default | allowed | meaning | command |\n|---|---|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(_cells(each))} |\n" for each in rows)


def _cells(entry: Entry) -> Generator[str]:
    yield f"`{entry.key}`"
    yield entry.type
    yield "**required**" if entry.setting.info.is_required() else f"`{entry.default}`" if entry.default else ""
    yield entry.allowed.replace("|", "\\|")
    yield entry.meaning.replace("|", "\\|")
    yield f"`{entry.command}`" if entry.command else ""


def main() -> int:
    """Write both files. Gives 0."""
    PROJECT_FILE.write_text(project_file(PROJECT_FILE.read_text()))
    TABLES_FILE.write_text(tables())
    print(f"{PROJECT_FILE.name} and {TABLES_FILE.relative_to(PROJECT)} are what common/settings says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

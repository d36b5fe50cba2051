"""Renders the configuration files of other programs from templates that lie beside their component."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def render(template: Path, parameters: DataclassInstance) -> str:
    """The text of a Jinja template with the fields of a dataclass.

    A name that the dataclass lacks raises jinja2.UndefinedError: a typo never becomes an empty line.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=template.name.endswith(".html.j2"),
    )
    fields = {field.name: getattr(parameters, field.name) for field in dataclasses.fields(parameters)}
    return environment.get_template(template.name).render(fields)

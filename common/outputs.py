"""Outputs that wait for a resource from which no value flows."""

from __future__ import annotations

from typing import TypeVar, cast

import pulumi

Value = TypeVar("Value")


def known_after(value: pulumi.Input[Value], *done: pulumi.Input[object]) -> pulumi.Output[Value]:
    """The value, known once every output of `done` is known, secret if one of them is.

    A resource that is given the value then waits for the resources behind `done`, and needs no `depends_on`.
    """
    return pulumi.Output.all(value, *done).apply(lambda known: cast("Value", known[0]))

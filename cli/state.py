"""State of a stack as `pulumi stack export` gives it: resources, unfinished operations, values in plain text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from cli.stack import Tree


def resources(state: Tree) -> Sequence[Tree]:
    """Resources in a state; none before the first update."""
    deployment: Tree = state.get("deployment") or {}
    return cast("Sequence[Tree]", deployment.get("resources") or [])


def operations(state: Tree) -> Sequence[Tree]:
    """Operations that were begun and not ended, each with its resource."""
    return cast("Sequence[Tree]", state["deployment"].get("pending_operations") or [])


def plaintext(value: Any) -> Any:
    """A value of a state that was exported with its secrets shown, as the program gave it."""
    if isinstance(value, dict) and "plaintext" in value:
        # The engine writes a secret as JSON within JSON.
        return json.loads(cast("Mapping[str, str]", value)["plaintext"])
    return cast("Any", value)

"""Settings as nested objects, as the stack's file has them."""

from __future__ import annotations

import re
from typing import Any, cast

from cli.stack import Tree


def found(tree: Tree, path: str) -> Any:
    """The value at a path such as `gamemaster.hostKey`; None where there is none."""
    value: Any = tree
    for name in path.split("."):
        value = cast("Tree", value).get(name) if isinstance(value, dict) else None
    return value


def planted(path: str, value: object) -> Tree:
    """A tree with one value in it."""
    name, _, rest = path.partition(".")
    return {name: planted(rest, value) if rest else value}


def merged(below: Tree, above: Tree) -> Tree:
    """Both trees in one; where both have a value, it is that of `above`."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        result[key] = merged(cast("Tree", under), cast("Tree", value)) if both else value
    return result


def same_place(path: str, key: str) -> bool:
    """Whether the path of a value and the key of a problem meet: one lies in the other."""
    one, other = (re.sub(r"\[(\d+)\]", r".\1", each) + "." for each in (path, key))
    return one.startswith(other) or other.startswith(one)

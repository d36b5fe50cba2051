"""Parser of a hunt: one JSON object, which the operators' program writes and the hunt's own program reads.

Every mistake is found here, by the former before anything is raised and by the latter before it starts.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Generator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, cast

from .hunt_steps import CHECKS, PLACEHOLDERS, Check, Hunt, Logged, Step

_PLACEHOLDER: Final = re.compile(r"@([a-z]+)@")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_MOST_STEPS: Final = 50


class HuntError(Exception):
    """A hunt is malformed. The text lists every problem, each with the step that has it."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__(f"the hunt has {count}:\n" + "\n".join(f"  {problem}" for problem in problems))


def parse(given: object) -> Hunt:
    """The hunt in a JSON object. Raises HuntError with every problem."""
    problems: list[str] = []
    top = _fields(given, {"title": str, "welcome": str, "farewell": str, "first": str, "steps": dict}, "hunt", problems)
    listed = cast("dict[str, object]", top.get("steps") or {})
    steps = {name: _step(name, entry, problems) for name, entry in listed.items()}
    if not steps or len(steps) > _MOST_STEPS:
        problems.append(f"hunt: must have 1 to {_MOST_STEPS} steps, and has {len(steps)}")
    else:
        problems += _ways(str(top.get("first", "")), steps)
    for key in ("title", "welcome", "farewell"):
        # Nobody has logged in yet: there is no team to fill in.
        problems += _placeholders(f"hunt: {key}", str(top.get(key, "")), ("page", "git"))
    if problems:
        raise HuntError(problems)
    course: list[Step] = []
    following: str | None = str(top["first"])
    while following is not None:
        course.append(cast("Step", steps[following]))
        following = course[-1].next
    return Hunt(title=top["title"], welcome=top["welcome"], farewell=top["farewell"], course=course)


_STEP: Final = {
    "title": str,
    "teaches": str,
    "story": str,
    "hint": str,
    "clue": str,
    "next": str,
    "check": dict,
}


def _step(name: str, given: object, problems: list[str]) -> Step | Mapping[str, object]:
    """The step, or what could be read of it where it has a problem."""
    where = f"step {name}"
    known = len(problems)
    if not _NAME.fullmatch(name):
        problems.append(f"{where}: its name must be small letters, digits and hyphens, a letter first, at most 40")
    read = _fields(given, _STEP, where, problems, optional="next")
    for key in ("story", "hint", "clue"):
        problems += _placeholders(f"{where}: {key}", str(read.get(key, "")), PLACEHOLDERS[:-1])
    check = _check(read.get("check"), f"{where}: check", problems)
    if len(problems) > known or check is None:
        return read
    texts = {key: str(read[key]) for key in ("title", "teaches", "story", "hint", "clue")}
    return Step(name=name, next=read["next"], check=check, **texts)


def _check(given: object, where: str, problems: list[str]) -> Check | None:
    if not isinstance(given, dict):
        return None
    values = dict(cast("dict[str, object]", given))
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in CHECKS:
        problems.append(f"{where}: kind must be one of {', '.join(CHECKS)}{_nearest(kind, CHECKS)}")
        return None
    cls = CHECKS[kind]
    types: dict[str, Any] = {
        field.name: {"str": str, "int": int, "bool": bool}[str(field.type)] for field in dataclasses.fields(cls)
    }
    known = len(problems)
    read = _fields(values, types, where, problems)
    if len(problems) > known:
        return None
    check = cls(**read)
    problems += [f"{where}: {problem}" for problem in check.problems()]
    for key, value in read.items():
        allowed = PLACEHOLDERS if kind == Logged.kind else PLACEHOLDERS[:-1]
        problems += _placeholders(f"{where}: {key}", str(value), allowed)
    return check


def _ways(first: str, steps: Mapping[str, Step | Mapping[str, object]]) -> Generator[str]:
    """What is wrong with the way from the first step to the last."""
    if first not in steps:
        yield f"hunt: first points to {first!r}, which is no step{_nearest(first, steps)}"
        return
    at: str | None = first
    passed: list[str] = []
    while at is not None:
        passed.append(at)
        step = steps[at]
        onward = step.next if isinstance(step, Step) else cast("str | None", step.get("next"))
        if onward is not None and onward not in steps:
            yield f"step {at}: next points to {onward!r}, which is no step{_nearest(onward, steps)}"
            return
        if onward in passed:
            yield f"step {at}: next points back to {onward}, so that the hunt never ends"
            return
        at = onward
    for name in steps:
        if name not in passed:
            yield f"step {name}: no step points to it; the way is {' → '.join(passed)}"


def _fields(
    given: object, wanted: Mapping[str, type], where: str, problems: list[str], *, optional: str = ""
) -> dict[str, Any]:
    """What there is of the fields. optional: the one that is None where it is missing."""
    if not isinstance(given, dict):
        problems.append(f"{where}: must be an object with {', '.join(wanted)}")
        return {}
    values = cast("dict[str, object]", given)
    problems += [f"{where}: {key} is no key of it{_nearest(key, wanted)}" for key in values if key not in wanted]
    read: dict[str, Any] = {}
    for key, kind in wanted.items():
        value = values.get(key)
        if value is None and key == optional:
            read[key] = None
        elif value is None:
            problems.append(f"{where}: {key} is missing")
        elif type(value) is not kind:
            problems.append(f"{where}: {key} must be {_KINDS[kind]}, and is {value!r}")
        elif kind is str and not str(value).strip():
            problems.append(f"{where}: {key} is empty")
        else:
            read[key] = value
    return read


_KINDS: Final[Mapping[type, str]] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict: "an object",
}


def _placeholders(where: str, text: str, allowed: Sequence[str]) -> Generator[str]:
    for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
        if name not in allowed:
            yield f"{where} has @{name}@, which nothing fills; there are {', '.join(f'@{each}@' for each in allowed)}"


def _nearest(wrong: object, names: Sequence[str] | Mapping[str, object]) -> str:
    close = get_close_matches(str(wrong), list(names), 1)
    return f" (did you mean {close[0]}?)" if close else ""

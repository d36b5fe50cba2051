"""Results of builds and of their steps, as lines for the guard's log.

Drone's numbers tell how many builds wait and run, and nothing of those that ended; their pods are gone within seconds.
A line holds names out of the guard's own pipelines, and nothing else that a player could have written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

OVER: Final = ("success", "failure", "error", "killed")
"""How a build or a step can end, by Drone's names."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")

Line = Mapping[str, object]


def lines(repository: str, build: Mapping[str, Any]) -> list[Line]:
    """A line for a build that is over and for each step that it ran; none for a build that is not over.

    repository: owner/name. build: as Drone's webhook has it, with its stages. Times are in whole seconds.
    """
    if build.get("status") not in OVER:
        return []
    about = {"repository": repository, "event": _name(build.get("event"))}
    whole: Line = {"ended": "build", **about, **_outcome(build, "finished")}
    steps: list[Line] = [
        {"ended": "step", **about, "stage": _name(stage.get("name")), "step": _name(step.get("name"))}
        | {**_outcome(step, "stopped")}
        for stage in _objects(build.get("stages"))
        for step in _objects(stage.get("steps"))
        if step.get("status") in OVER
    ]
    return [whole, *steps]


def _outcome(part: Mapping[str, Any], end: str) -> Line:
    started, stopped = part.get("started"), part.get(end)
    took = stopped - started if isinstance(started, int) and isinstance(stopped, int) else 0
    return {"outcome": part["status"], "seconds": max(0, took)}


def _name(given: object) -> str:
    return given if isinstance(given, str) and _NAME.fullmatch(given.replace("_", "-")) else "other"


def _objects(given: object) -> Iterable[Mapping[str, Any]]:
    listed = cast("list[object]", given) if isinstance(given, list) else []
    return (cast("dict[str, Any]", each) for each in listed if isinstance(each, dict))

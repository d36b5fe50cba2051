"""Hunt, its steps and their checks as typed data; `hunt_parser` reads them."""

from __future__ import annotations

import dataclasses
import re
from abc import ABC
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

PLACEHOLDERS: Final = ("team", "repository", "namespace", "git", "page", "word")
"""What texts and checks may have between two `@`: it is filled in for each team."""
_OBJECT: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Check(ABC):
    """What a step asks for, and by which signal it is told."""

    kind: ClassVar[str]

    def problems(self) -> Generator[str]:
        """What is wrong with the values, each as a sentence about a key."""
        yield from ()


@dataclass(frozen=True, kw_only=True)
class Proposal(Check):
    """A pull request from a branch holds a file with a line. Told by the source control."""

    kind: ClassVar[str] = "proposal"
    branch: str
    path: str
    line: str
    """The whole line, as it must stand there."""

    def problems(self) -> Generator[str]:
        yield from _text("branch", self.branch)
        yield from _file("path", self.path)
        yield from _text("line", self.line)


@dataclass(frozen=True, kw_only=True)
class Dockerfile(Check):
    """A Dockerfile on the main branch that pins its base, copies a file and does not run as root.

    Told by the source control.
    """

    kind: ClassVar[str] = "dockerfile"
    path: str
    copies: str
    """The file that it must copy."""

    def problems(self) -> Generator[str]:
        yield from _file("path", self.path)
        yield from _file("copies", self.copies)


@dataclass(frozen=True, kw_only=True)
class Deployed(Check):
    """A Deployment in the team's namespace with pods that are available. Told by the cluster."""

    kind: ClassVar[str] = "deployed"
    name: str
    replicas: int
    limits: bool
    """Whether each of its containers must say how much memory it may use."""

    def problems(self) -> Generator[str]:
        if not _OBJECT.fullmatch(self.name):
            yield f"name must be the name of a Deployment, and is {self.name!r}"
        if not 1 <= self.replicas <= 10:
            yield f"replicas must be a number from 1 to 10, and is {self.replicas}"


@dataclass(frozen=True, kw_only=True)
class Pipeline(Check):
    """A pull request that was red and became green, was merged, and whose deployment succeeded. Told by Drone,
    which writes its results to the source control, where no player can."""

    kind: ClassVar[str] = "pipeline"
    branch: str

    def problems(self) -> Generator[str]:
        yield from _text("branch", self.branch)


@dataclass(frozen=True, kw_only=True)
class Logged(Check):
    """A word that only the logs of a pod in the team's namespace hold. The pod is the program's own."""

    kind: ClassVar[str] = "logged"
    line: str
    """What the pod says now and then, with `@word@` in it."""

    def problems(self) -> Generator[str]:
        yield from _text("line", self.line)
        if "@word@" not in self.line:
            yield "line must have @word@, which the team looks for"


CHECKS: Final[Mapping[str, type[Check]]] = {
    check.kind: check for check in (Proposal, Dockerfile, Deployed, Pipeline, Logged)
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: what a team reads, what is looked for, and where it leads."""

    name: str
    title: str
    teaches: str
    story: str
    """HTML, as are the hint and the clue."""
    hint: str
    clue: str
    """What the team reads once it has passed."""
    next: str | None
    """Name of the step that comes after it; None for the last one."""
    check: Check


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """A whole hunt."""

    title: str
    welcome: str
    """HTML for whoever has not logged in."""
    farewell: str
    """HTML for a team that has passed everything."""
    course: Sequence[Step]
    """The steps in the order in which they lead to one another."""

    def number(self, step: str) -> int:
        """A step's place in the course, from 1."""
        return next(number for number, each in enumerate(self.course, 1) if each.name == step)

    def as_json(self) -> dict[str, Any]:
        """What `parse` reads."""
        steps = {
            step.name: {
                **{field: value for field, value in dataclasses.asdict(step).items() if field not in {"name", "check"}},
                "check": {"kind": step.check.kind, **dataclasses.asdict(step.check)},
            }
            for step in self.course
        }
        return {
            "title": self.title,
            "welcome": self.welcome,
            "farewell": self.farewell,
            "first": self.course[0].name,
            "steps": steps,
        }


def _text(key: str, value: str) -> Generator[str]:
    if value != value.strip() or "\n" in value:
        yield f"{key} must be one line without spaces around it, and is {value!r}"


def _file(key: str, value: str) -> Generator[str]:
    if value.startswith("/") or ".." in value.split("/"):
        yield f"{key} must be a file inside the repository, and is {value!r}"
    yield from _text(key, value)

"""Parser of Dockerfiles, as far as the checks need it: stages with their bases, users and copied files.

Source: docs.docker.com, reference/dockerfile: parser directives, comments, continuation, here-documents, JSON form,
flags, variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, cast

_DIRECTIVE: Final = re.compile(r"#\s*(\w+)\s*=\s*(\S.*?)\s*$")
_HERE_DOCUMENT: Final = re.compile(r"<<(-?)\s*(['\"]?)(\w+)\2")
_WITH_HERE_DOCUMENTS: Final = ("ADD", "COPY", "RUN")
_VARIABLE: Final = re.compile(
    r"\\(?P<literal>.)|\$(?P<plain>\w+)|\$\{(?P<name>\w+)(:(?P<mark>[-+])(?P<other>[^}]*))?\}"
)
_ROOT: Final = re.compile(r"root|0*")
"""A user that is empty, as by a variable that nobody gives, is none."""


@dataclass(frozen=True)
class Instruction:
    """One instruction."""

    name: str
    """In capitals."""
    flags: Sequence[str]
    """Such as `--from=build`."""
    words: Sequence[str]


@dataclass
class Stage:
    """One stage of a build, from its FROM to the next."""

    base: str
    """Image, or name of an earlier stage; empty where FROM names none."""
    name: str
    user: str | None = None
    """User without the group, as the stage ends; None where neither the stage nor an earlier one says."""
    copied: list[str] = field(default_factory=list[str])
    """Files and folders that are copied from the repository into the stage, and into those that are its base."""

    @property
    def is_root(self) -> bool:
        return self.user is None or _ROOT.fullmatch(self.user) is not None

    def copies(self, file: str) -> bool:
        """Whether a file of the repository is copied: by its name, a pattern, or with a folder."""
        parts = file.removeprefix("./").split("/")
        above = {".", "", *("/".join(parts[:depth]) for depth in range(1, len(parts)))}
        return any(
            source in above or fnmatchcase("/".join(parts), source)
            for source in (each.removeprefix("./").strip("/") for each in self.copied)
        )


def stages(text: str) -> Sequence[Stage]:
    """Stages of a Dockerfile, the last one is what is built; empty where there is no FROM."""
    found: list[Stage] = []
    arguments: dict[str, str] = {}
    variables: dict[str, str] = {}
    for each in instructions(text):
        if each.name == "FROM":
            words = [expanded(word, arguments) for word in each.words]
            stage = Stage(base=words[0] if words else "", name=words[2].lower() if len(words) > 2 else "")
            for earlier in found:
                if earlier.name and earlier.name == stage.base.lower():
                    stage.user, stage.copied = earlier.user, [*earlier.copied]
            found.append(stage)
            variables = {}
        elif each.name in {"ARG", "ENV"}:
            known = variables if found else arguments
            for name, value in _assigned(each):
                # An ARG without a value takes that of before the first FROM, in a stage that names the ARG.
                known[name] = expanded(arguments.get(name, "") if value is None else value, known)
        elif found:
            _into(found[-1], each, variables)
    return found


def _into(stage: Stage, instruction: Instruction, variables: Mapping[str, str]) -> None:
    words = [expanded(word, variables) for word in instruction.words]
    if instruction.name == "USER" and words:
        stage.user = words[0].partition(":")[0]
    elif instruction.name in {"ADD", "COPY"} and not any(flag.startswith("--from=") for flag in instruction.flags):
        stage.copied += words[:-1]


def _assigned(instruction: Instruction) -> Generator[tuple[str, str | None]]:
    words = instruction.words
    if instruction.name == "ENV" and words and "=" not in words[0]:
        yield words[0], " ".join(words[1:])
        return
    for word in words:
        name, given, value = word.partition("=")
        yield name, value.strip("'\"") if given else None


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Text with its variables filled; one that is not known is empty."""

    def value(found: re.Match[str]) -> str:
        if found["literal"]:
            return found["literal"]
        known = variables.get(found["plain"] or found["name"], "")
        if found["mark"]:
            return found["other"] if bool(known) == (found["mark"] == "+") else known
        return known

    return _VARIABLE.sub(value, text)


def instructions(text: str) -> Sequence[Instruction]:
    """Each instruction, without its here-documents."""
    lines = iter(text.splitlines())
    escape, directives = "\\", True
    found: list[Instruction] = []
    pending = ""
    for line in lines:
        stripped = line.strip()
        directive = _DIRECTIVE.fullmatch(stripped) if directives else None
        directives = directive is not None
        if directive and directive[1].lower() == "escape":
            escape = directive[2]
        if stripped.startswith("#") or not stripped:
            # Comments and empty lines do not even end a continued instruction.
            continue
        if stripped.endswith(escape):
            pending += stripped[:-1] + " "
            continue
        name, *rest = (pending + stripped).split(maxsplit=1)
        pending = ""
        found.append(_instruction(name.upper(), rest[0] if rest else ""))
        if found[-1].name in _WITH_HERE_DOCUMENTS:
            for strips, _, end in _HERE_DOCUMENT.findall(rest[0] if rest else ""):
                _skip(lines, end, tabs=bool(strips))
    return found


def _skip(lines: Iterator[str], end: str, *, tabs: bool) -> None:
    """Pass over a here-document. tabs: those before its last line do not count."""
    for line in lines:
        if (line.lstrip("\t") if tabs else line) == end:
            return


def _instruction(name: str, rest: str) -> Instruction:
    flags: list[str] = []
    while rest.startswith("--"):
        flag, *more = rest.split(maxsplit=1)
        flags.append(flag)
        rest = more[0] if more else ""
    if rest.startswith("["):
        try:
            given: Any = json.loads(rest)
        except ValueError:
            given = None
        if isinstance(given, list):
            return Instruction(name, flags, [str(word) for word in cast("list[object]", given)])
    return Instruction(name, flags, rest.split())

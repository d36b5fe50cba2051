"""What is wrong with the settings: each with its key, its value, what is allowed, and the commands that mend it."""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import pulumi

NAMESPACE: Final = "shambhala"
HOW_TO_MEND: Final = (
    "Below each stands what mends it, with your own VALUE, FILE or NAME; a secret is asked for, and not shown."
)
HIDDEN: Final = "(hidden)"
LONGEST_SHOWN: Final = 60
"""Characters of a wrong value that a message repeats."""
_SIMPLE: Final = re.compile(r"[A-Za-z0-9_$-]+")
_LIKE_A_SECRET: Final = re.compile("passwd|pass|password|pwd|secret|token", re.IGNORECASE)
"""Keys whose values the engine refuses to store in plain text unless told.

Source: `keyPattern` in https://github.com/pulumi/pulumi/blob/master/pkg/cmd/pulumi/config/config.go
"""


@dataclass(frozen=True)
class Problem:
    """One wrong setting."""

    key: str
    """Where it stands, as the engine writes it, such as `scaleway.region` or `operators.cidrs[0]`."""
    value: str
    """What stands there, fit to be shown: never a secret, empty where nothing stands there."""
    allowed: str
    """What it must be, as a sentence that the key begins."""
    commands: Sequence[str] = ()
    """What mends it, typed in the project's folder; empty where a file is to be edited."""

    def __str__(self) -> str:
        shown = f" = {self.value}" if self.value else ""
        return "\n      ".join((f"{self.key}{shown}: {self.allowed}", *self.commands))


class SettingsError(pulumi.RunError):
    """Settings are wrong. The text lists each: its key, its value unless secret, and what is allowed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        listed = "\n".join(f"  {NAMESPACE}:{problem}" for problem in problems)
        text = f"{count} wrong. Nothing was changed. {HOW_TO_MEND}\n{listed}"
        # Half of a surrogate pair, which JSON lets stand in a name, can be neither sent nor printed.
        super().__init__(text.encode(errors="backslashreplace").decode())


@dataclass(frozen=True)
class Place:
    """Where in the settings of a stack a value stands, and the list that its problems go to."""

    stack: str
    problems: list[Problem]
    steps: tuple[str | int, ...] = ()

    @property
    def key(self) -> str:
        """The place as the engine writes it."""
        return "".join(written(step, first=number == 0) for number, step in enumerate(self.steps))

    def child(self, step: str | int) -> Place:
        """What stands there under a name, or in a list at an index."""
        return Place(self.stack, self.problems, (*self.steps, step))

    def descendant(self, steps: Iterable[str | int]) -> Place:
        """What stands there at the end of several steps."""
        return Place(self.stack, self.problems, (*self.steps, *steps))

    def report(self, value: str, allowed: str, commands: Sequence[str] = ()) -> None:
        """Add a problem; the value is fit to be shown."""
        self.problems.append(Problem(self.key, value, allowed, commands))

    def set(self, value: str = "VALUE", *, text: bool = False) -> str:
        """The command that gives a plain value; `text` has the engine take digits and `true` for text, too."""
        flag = "--type string" if text else "--plaintext" if _LIKE_A_SECRET.search(self.key) else ""
        if value.startswith("-"):
            return f"{self._command('set', flag)} -- {shlex.quote(value)}"
        return self._command("set", flag, value)

    def set_secret(self) -> str:
        """The command that asks for a secret."""
        return self._command("set", "--secret")

    def set_from_file(self, *, secret: bool) -> str:
        """The command that takes a value of several lines from a file."""
        return f"{self._command('set', '--secret' if secret else '')} < FILE"

    def encrypt(self) -> str:
        """The command that encrypts what stands there."""
        return f"{self._command('get')} | {self.set_secret()}"

    def remove(self) -> str:
        """The command that takes away what stands there."""
        return self._command("rm")

    def _command(self, verb: str, flag: str = "", value: str = "") -> str:
        path = "--path" if len(self.steps) > 1 else ""
        words = (path, flag, shlex.quote(self.key), shlex.quote(value) if value else "")
        return " ".join(filter(None, ("pulumi config", verb, *words, "--stack", shlex.quote(self.stack))))


def written(step: str | int, *, first: bool) -> str:
    """A name or an index in a place, as the engine writes it."""
    if isinstance(step, int):
        return f"[{step}]"
    if first:
        return step
    # A dot in a name, as label keys have it, would be read as a level of its own.
    return f".{step}" if _SIMPLE.fullmatch(step) else '["{}"]'.format(step.replace('"', '\\"'))


def shown(value: object) -> str:
    """A wrong value as a message may repeat it.

    Objects are named only, also in lists, and so is what looks like a key or a password in a URL: they may hold
    a secret that was put in the wrong place.
    """
    if isinstance(value, Mapping):
        return "(an object)"
    if isinstance(value, list) and any(isinstance(each, (Mapping, list)) for each in cast("list[object]", value)):
        return "(a list)"
    if isinstance(value, str) and ("PRIVATE KEY" in value or "@" in value.partition("//")[2]):
        return HIDDEN
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one is closest to."""
    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold()[:LONGEST_SHOWN], folded, n=1)
    return folded[close[0]] if close else None


def hint(name: str | None) -> str:
    """A known name as the question whether it was meant; nothing where there is none."""
    return f" (did you mean {name}?)" if name else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that a mistyped one is closest to, as a question; nothing where there is none."""
    return hint(closest(name, known))

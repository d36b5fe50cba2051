"""What the tool chain hands out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HOST = "language host"
"""Name of the tool that runs a program for the engine."""
Progress = Callable[[str], None]
"""Takes one line for the operator: what is being done, how far it is, how long it has taken."""


class ToolchainError(Exception):
    """A program can neither be found nor downloaded nor built; the text says what to do."""


@dataclass(frozen=True)
class Tool:
    """One program, ready to run."""

    name: str
    version: str
    origin: str
    """Where it came from, for people to read."""
    path: Path
    """The program; of the control plane, the folder that holds its programs."""
    seconds: float
    """How long it took to get it."""
    stand_in: bool = False


@dataclass(frozen=True)
class Tools:
    """Everything that a rehearsal runs, each by its name."""

    all: tuple[Tool, ...]

    def named(self, name: str) -> Tool:
        """The tool of that name; LookupError if there is none."""
        return next(tool for tool in self.all if tool.name == name)

    @property
    def pulumi(self) -> Tool:
        """The engine."""
        return self.named("pulumi")

    @property
    def language_host(self) -> Tool:
        """What runs the program for the engine."""
        return self.named(HOST)

    @property
    def control_plane(self) -> Path:
        """The folder with the programs of a control plane, kubectl, kwok, and what runs on nodes."""
        return self.named("control plane").path

    @property
    def plugins(self) -> tuple[Tool, ...]:
        """The resource plugins; a plugin's tool is called `<package> plugin`."""
        return tuple(tool for tool in self.all if tool.name.endswith(" plugin"))

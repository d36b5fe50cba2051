"""What the two commands have in common: their inputs, and what becomes of what they print."""

from __future__ import annotations

import codecs
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeVar

from rehearsal.plugins.engine_log import Log
from rehearsal.plugins.properties import Properties, text_of, texts_of, truth_of
from rehearsal.plugins.provider_model import Call, Created, ProviderError, Resource
from rehearsal.plugins.schema import Field, Fields, Kind

Configuration = TypeVar("Configuration")

INPUTS: Fields = {
    "create": Field(kind=Kind.TEXT),
    "update": Field(kind=Kind.TEXT),
    "delete": Field(kind=Kind.TEXT),
    "triggers": Field(kind=Kind.LIST, replaces=True),
    "stdin": Field(kind=Kind.TEXT),
    "environment": Field(kind=Kind.TEXTS),
    "logging": Field(kind=Kind.TEXT, choices=("none", "stdout", "stderr", "stdoutAndStderr")),
    "addPreviousOutputInEnv": Field(kind=Kind.BOOLEAN),
}


def unique_id(prefix: str) -> str:
    """The prefix and eight random hexadecimal digits: what the official provider uses as an id."""
    return prefix + secrets.token_hex(4)


class Stream(Enum):
    """Where a command prints."""

    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True)
class Output:
    """What a command that succeeded printed, each without its last line's end."""

    stdout: str
    stderr: str


@dataclass(frozen=True)
class Script:
    """One command to run, with everything that it gets.

    environment: variables that it must get.
    previous: what the command before it printed, as variables that it gets if it can.
    """

    text: str
    stdin: str
    environment: dict[str, str]
    previous: dict[str, str]
    logging: str

    @staticmethod
    def of(text: str, inputs: Properties, last: Properties) -> Script:
        """text: the command itself. last: the outputs of the command before it."""
        previous: dict[str, str] = {}
        if truth_of(inputs, "addPreviousOutputInEnv", default=True):
            printed = {f"PULUMI_COMMAND_{stream.name}": text_of(last, stream.value) for stream in Stream}
            previous = {name: value for name, value in printed.items() if value}
        return Script(
            text=text,
            stdin=text_of(inputs, "stdin"),
            environment=texts_of(inputs, "environment"),
            previous=previous,
            logging=text_of(inputs, "logging", "stdoutAndStderr"),
        )


class Printed:
    """What a command prints: kept, and shown in the engine's log line by line as far as `logging` allows."""

    def __init__(self, script: Script, log: Log) -> None:
        self._script = script
        self._log = log
        self._decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in Stream}
        self._kept = dict.fromkeys(Stream, "")
        self._line = dict.fromkeys(Stream, "")
        self._both = ""
        self._shown = {
            Stream.STDOUT: script.logging in {"stdout", "stdoutAndStderr"},
            Stream.STDERR: script.logging in {"stderr", "stdoutAndStderr"},
        }

    async def take(self, stream: Stream, chunks: Iterable[bytes] = (), *, end: bool = False) -> None:
        """Takes what has been printed; `end` after the last of it."""
        text = "".join(self._decoders[stream].decode(chunk) for chunk in chunks)
        text += self._decoders[stream].decode(b"", final=True) if end else ""
        self._kept[stream] += text
        self._both += text
        *lines, rest = (self._line[stream] + text).split("\n")
        self._line[stream] = "" if end else rest
        if self._shown[stream]:
            for line in [*lines, rest] if end and rest else lines:
                await self._log.status(line.removesuffix("\r"))

    def output(self) -> Output:
        """What the command printed, once it has succeeded."""
        return Output(*(self._kept[stream].removesuffix("\n") for stream in (Stream.STDOUT, Stream.STDERR)))

    def failed(self, how: str) -> ProviderError:
        """The error of a command that did not: how it ended, the command and what it printed; never its stdin."""
        return ProviderError(f"{how}: running {json.dumps(self._script.text, ensure_ascii=False)}:\n{self._both}")


class Command(Resource[Configuration]):
    """A command that runs when it is created, when any of its inputs changes, and when it is deleted."""

    outputs: ClassVar[frozenset[str]] = frozenset({"stdout", "stderr"})

    async def create(self, call: Call[Configuration], inputs: Properties) -> Created:
        return Created(unique_id(call.name), await self._ran(call, text_of(inputs, "create"), inputs, {}))

    async def update(
        self, call: Call[Configuration], identity: str, state: Properties, inputs: Properties
    ) -> Properties:
        text = text_of(inputs, "update") if "update" in inputs else text_of(inputs, "create")
        return await self._ran(call, text, inputs, state)

    async def delete(self, call: Call[Configuration], identity: str, state: Properties) -> None:
        await self._ran(call, text_of(state, "delete"), state, state)

    async def _ran(self, call: Call[Configuration], text: str, inputs: Properties, last: Properties) -> Properties:
        """The outputs after the command has run; those of last time if there is no command."""
        output = Output(text_of(last, "stdout"), text_of(last, "stderr"))
        if text:
            output = await self.run(call, inputs, Script.of(text, inputs, last))
        return {**inputs, "stdout": output.stdout, "stderr": output.stderr}

    async def run(self, call: Call[Configuration], inputs: Properties, script: Script) -> Output:
        """Runs the command; raises ProviderError when it fails."""
        raise NotImplementedError

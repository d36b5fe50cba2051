"""`command:local:Command`: a command on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import ClassVar, cast

from rehearsal.plugins import protocol
from rehearsal.plugins.command.connection import Dialer
from rehearsal.plugins.command.execution import INPUTS, Command, Output, Printed, Script, Stream
from rehearsal.plugins.properties import Properties, text_of
from rehearsal.plugins.provider_model import Call, ProviderError
from rehearsal.plugins.schema import Field, Fields, Kind

# What a command that is cancelled has to end itself in, before it is killed; seconds. Less than what a plugin
# has that is told to end, so that the command is gone before it.
GRACE = protocol.GRACE - 1.0


class LocalCommand(Command[Dialer]):
    """Runs in a process group of its own, so that cancelling ends what it has started, too."""

    fields: ClassVar[Fields] = {
        **INPUTS,
        "interpreter": Field(kind=Kind.TEXT_LIST),
        "dir": Field(kind=Kind.TEXT),
        "assetPaths": Field(kind=Kind.TEXT_LIST, refused="read the files in the program, or print them."),
        "archivePaths": Field(kind=Kind.TEXT_LIST, refused="read the files in the program, or print them."),
    }

    async def run(self, call: Call[Dialer], inputs: Properties, script: Script) -> Output:
        interpreter = cast("list[str]", inputs.get("interpreter") or ["/bin/sh", "-c"])
        printed = Printed(script, call.log)
        try:
            process = await asyncio.create_subprocess_exec(
                *interpreter,
                script.text,
                stdin=asyncio.subprocess.PIPE if script.stdin else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=text_of(inputs, "dir") or None,
                env={**os.environ, **script.environment, **script.previous},
                start_new_session=True,
            )
        except OSError as error:
            raise ProviderError(f"{interpreter[0]} could not be started: {error}.") from error
        assert process.stdout  # noqa: S101 - both were asked for
        assert process.stderr  # noqa: S101
        try:
            await asyncio.gather(
                _feed(process, script.stdin),
                _collect(process.stdout, Stream.STDOUT, printed),
                _collect(process.stderr, Stream.STDERR, printed),
            )
            status = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        if status == 0:
            return printed.output()
        raise printed.failed(_ending(status))


def _ending(status: int) -> str:
    """How a command ended, in the words of Go's os/exec; status: negative for a signal."""
    return f"exit status {status}" if status > 0 else f"signal: {str(signal.strsignal(-status)).lower()}"


async def _feed(process: asyncio.subprocess.Process, stdin: str) -> None:
    if process.stdin is None:
        return
    # A command need not read all that it is given, nor any of it.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(stdin.encode())
        await process.stdin.drain()
    process.stdin.close()


async def _collect(reader: asyncio.StreamReader, stream: Stream, printed: Printed) -> None:
    while chunk := await reader.read(65536):
        await printed.take(stream, [chunk])
    await printed.take(stream, end=True)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a command and all that it has started.

    Being cancelled again does not cut its time short: when the engine dies, that comes from the plugin and
    from the connection that is lost.
    """
    ending = asyncio.ensure_future(_terminate(process))
    while not ending.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(ending)


async def _terminate(process: asyncio.subprocess.Process) -> None:
    try:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)
    finally:
        _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    # The group may be gone already, which is what is wanted.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)

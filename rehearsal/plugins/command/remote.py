"""`command:remote:Command`: a command over SSH."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import ClassVar

import asyncssh

from rehearsal.plugins.command.connection import CONNECTION, Dialer
from rehearsal.plugins.command.execution import INPUTS, Command, Output, Printed, Script, Stream
from rehearsal.plugins.engine_log import Log
from rehearsal.plugins.properties import Properties, map_of
from rehearsal.plugins.provider_model import Call, ProviderError
from rehearsal.plugins.schema import Fields


class RemoteCommand(Command[Dialer]):
    """Each command has a connection of its own, closed when it ends."""

    fields: ClassVar[Fields] = {**INPUTS, "connection": CONNECTION}

    async def run(self, call: Call[Dialer], inputs: Properties, script: Script) -> Output:
        async with call.configuration.connection(map_of(inputs, "connection"), call.log) as connection:
            environment = await _accepted(connection, script, call.log)
            return await _run(connection, script, environment, call.log)


async def _run(
    connection: asyncssh.SSHClientConnection, script: Script, environment: dict[str, str], log: Log
) -> Output:
    printed = Printed(script, log)
    process = await connection.create_process(
        script.text,
        stdin=asyncssh.PIPE if script.stdin else asyncssh.DEVNULL,
        env=environment,
        encoding=None,
    )
    try:
        await asyncio.gather(
            _feed(process, script.stdin),
            _collect(process.stdout, Stream.STDOUT, printed),
            _collect(process.stderr, Stream.STDERR, printed),
        )
        await process.wait_closed()
    except asyncio.CancelledError:
        # sshd passes the signal on to the command's process group; closing the channel alone would not end it.
        with contextlib.suppress(OSError):
            process.terminate()
        raise
    if process.exit_status == 0:
        return printed.output()
    raise printed.failed(_ending(process))


async def _feed(process: asyncssh.SSHClientProcess[bytes], stdin: str) -> None:
    if not stdin:
        return
    # A command need not read all that it is given, nor any of it.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(stdin.encode())
        await process.stdin.drain()
        process.stdin.write_eof()


async def _collect(reader: asyncssh.SSHReader[bytes], stream: Stream, printed: Printed) -> None:
    while chunk := await reader.read(65536):
        await printed.take(stream, [chunk])
    await printed.take(stream, end=True)


def _ending(process: asyncssh.SSHClientProcess[bytes]) -> str:
    """How a command ended, in the words of Go's SSH client (golang.org/x/crypto, ssh/session.go)."""
    if process.exit_signal:
        name = process.exit_signal[0]
        number = signal.Signals.__members__.get(f"SIG{name}", 0)
        return f"Process exited with status {128 + number} from signal {name}"
    if process.exit_status is None:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {process.exit_status}"


_REFUSED = (
    "Unable to set {names}. This only works if the SSH server accepts these variables (AcceptEnv in sshd_config). "
    "Otherwise set them in the command itself (VAR=value command), or hand them over by stdin"
)


async def _accepted(connection: asyncssh.SSHClientConnection, script: Script, log: Log) -> dict[str, str]:
    """The variables that the server takes.

    One of `environment` that it does not take is an error; without the last outputs a command can do.
    """
    wanted = {**script.environment, **script.previous}
    if not wanted:
        return {}
    arrived = await _arrived(connection, wanted)
    lost = [name for name in script.environment if arrived.get(name) != wanted[name]]
    if lost:
        raise ProviderError(_REFUSED.format(names=", ".join(lost)) + ".")
    missed = [name for name in script.previous if arrived.get(name) != wanted[name]]
    if missed:
        await log.warning(
            _REFUSED.format(names=", ".join(missed)) + "; set addPreviousOutputInEnv to false if it needs none."
        )
    return {name: value for name, value in wanted.items() if name not in missed}


async def _arrived(connection: asyncssh.SSHClientConnection, wanted: dict[str, str]) -> dict[str, str]:
    """The environment of a command that is given those variables.

    asyncssh does not ask the server whether it took a variable, so a command is asked what it got.
    """
    answer = await connection.run("env -0", env=wanted, encoding=None)
    lines = answer.stdout.split(b"\0") if isinstance(answer.stdout, bytes) else []
    pairs = (line.decode(errors="replace").partition("=") for line in lines)
    return {name: value for name, _, value in pairs}

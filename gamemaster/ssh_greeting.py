"""SSH greeting of a host, looked for before any step is sent there.

The command plugin bounds a TCP connection alone: a host that accepts and then says nothing would be waited for without
an end, whatever time limit a resource has (pulumi-command 1.2.1, remote/connection.go; ssh.Dial knows no context).
"""

from __future__ import annotations

import asyncio

import pulumi

_PORT = 22
_ATTEMPT_SECONDS = 5


class SilentHostError(pulumi.RunError):
    """A host takes SSH connections and says nothing; the text says what to do."""


async def greeted(ip: str, seconds: float, port: int = _PORT) -> str:
    """The address, once its SSH server greets, or if it takes no connection: those, the plugin counts and bounds.

    seconds: how long it may be silent. Raises SilentHostError after that.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    told = False
    while await _silent(ip, port, min(seconds / 2, _ATTEMPT_SECONDS)):
        if loop.time() >= deadline:
            raise SilentHostError(
                f"The game master, {ip}, has taken SSH connections for {seconds:.0f} seconds and said nothing on them. "
                "Nothing was done there. Look at its console, reboot it (both at Scaleway), then run 'pulumi up' again."
            )
        if not told:
            pulumi.info(f"{ip} takes SSH connections, but says nothing yet: waiting, {seconds:.0f} seconds at most")
            told = True
    return ip


async def _silent(ip: str, port: int, seconds: float) -> bool:
    """Whether it takes a connection and then says nothing for so long."""
    try:
        async with asyncio.timeout(_ATTEMPT_SECONDS):
            reader, writer = await asyncio.open_connection(ip, port)
    except OSError:
        return False
    try:
        async with asyncio.timeout(seconds):
            await reader.read(1)
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        writer.close()
    return False

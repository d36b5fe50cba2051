"""SSH banner of a host, awaited before any script is sent there.

The command plugin bounds the TCP connection alone: without this check, a host that accepts a connection and never sends
its banner (RFC 4253, section 4.2) holds up `pulumi up` for ever, whatever time limit a resource has
(pulumi-command 1.2.1, remote/connection.go; ssh.Dial knows no context).
"""

from __future__ import annotations

import asyncio

import pulumi

_PORT = 22
_ATTEMPT_SECONDS = 5


class SilentHostError(pulumi.RunError):
    """A host accepts SSH connections and sends no banner; the text says what to do."""


async def wait_for_banner(ip: str, seconds: float, port: int = _PORT) -> str:
    """The address, once the host's SSH server has sent its banner.

    A host that refuses connections is left to the plugin, which counts and bounds the refusals.

    seconds: how long the host may be silent. Raises SilentHostError after that.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    reported = False
    while await _silent(ip, port, min(seconds / 2, _ATTEMPT_SECONDS)):
        if loop.time() >= deadline:
            raise SilentHostError(
                f"The game master, {ip}, has accepted SSH connections for {seconds:.0f} seconds and sent nothing on "
                "them. Nothing was done there. Look at its console, reboot it (both at Scaleway), then run 'pulumi up' "
                "again."
            )
        if not reported:
            pulumi.info(f"{ip} accepts SSH connections, but sends no banner: waiting, {seconds:.0f} seconds at most")
            reported = True
    return ip


async def _silent(ip: str, port: int, seconds: float) -> bool:
    """Whether the host accepts a connection and then sends nothing for so long."""
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

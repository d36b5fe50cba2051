"""Docker's command line, called asynchronously."""

from __future__ import annotations

import asyncio


class InstanceError(Exception):
    """An Instance, or what Instances need, is not as it should be; the text says what to do."""


class DockerError(InstanceError):
    """Docker refused a command; the text holds what it said."""


async def docker(*arguments: str, stdin: bytes | None = None) -> str:
    """Run `docker` with these arguments and return what it printed, without the last line's end.

    Secrets go through stdin, never into an argument, which every user of this host can read.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            "docker",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as missing:
        raise DockerError("Docker is not installed: run 'make rehearse', which installs it.") from missing
    try:
        out, err = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        what = " ".join(arguments[:2])
        raise DockerError(f"'docker {what}' failed: {err.decode(errors='replace').strip()}")
    return out.decode().rstrip("\n")


async def lines(*arguments: str) -> list[str]:
    """What `docker` printed, line by line, without empty ones."""
    return [line for line in (await docker(*arguments)).splitlines() if line]

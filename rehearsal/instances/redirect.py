"""Frees a port of a rehearsal's address that another program holds on every address of this machine.

A machine's own sshd listens on 0.0.0.0:22, which takes port 22 of 127.x.y.z as well: nobody else can
bind it. The door then listens on a free port, and one rule of the packet filter leads there, for that
address and port only. The rules bear the rehearsal's label, by which they are found again.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil

from rehearsal.instances.docker import InstanceError

TABLE = ("--wait", "--table", "nat")
CHAIN = "OUTPUT"


async def _iptables(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "iptables", *TABLE, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    if process.returncode:
        said = err.decode(errors="replace").strip()
        raise InstanceError(f"'iptables {shlex.join(arguments)}' failed: {said}. Is this root, with iptables allowed?")
    return out.decode()


def _rule(label: str, protocol: str, address: str, port: int, to_port: int) -> list[str]:
    return [
        *("--destination", f"{address}/32", "--protocol", protocol.lower(), "--dport", str(port)),
        *("--match", "comment", "--comment", label),
        *("--jump", "DNAT", "--to-destination", f"{address}:{to_port}"),
    ]


async def lead(label: str, protocol: str, address: str, port: int, to_port: int) -> None:
    """Lead what is sent to a port of a loopback address to another port of it."""
    await _iptables("--append", CHAIN, *_rule(label, protocol, address, port, to_port))


async def end(label: str, protocol: str, address: str, port: int, to_port: int) -> None:
    """Undo `lead`."""
    await _iptables("--delete", CHAIN, *_rule(label, protocol, address, port, to_port))


async def _found(label: str) -> list[list[str]]:
    if shutil.which("iptables") is None:
        return []
    rules = [shlex.split(line) for line in (await _iptables("--list-rules", CHAIN)).splitlines()]
    return [rule[2:] for rule in rules if rule[0] == "-A" and label in rule]


async def all_of(label: str) -> list[str]:
    """The rules with that label, as iptables writes them."""
    return [shlex.join(rule) for rule in await _found(label)]


async def end_all(label: str) -> None:
    """Delete every rule with that label."""
    for rule in await _found(label):
        await _iptables("--delete", CHAIN, *rule)

"""DNAT rules for ports of a rehearsal's addresses that another program holds on every address of this host.

The host's own sshd on 0.0.0.0:22 also takes port 22 of 127.x.y.z. The forwarder then listens on a free port, and one
iptables rule redirects that address and port to it. The rules carry the rehearsal's label as their comment, by which
they are found again.
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


async def redirect(label: str, protocol: str, address: str, port: int, to_port: int) -> None:
    """Redirect a port of a loopback address to another port of the same address."""
    await _iptables("--append", CHAIN, *_rule(label, protocol, address, port, to_port))


async def end(label: str, protocol: str, address: str, port: int, to_port: int) -> None:
    """Remove the rule of `redirect`."""
    await _iptables("--delete", CHAIN, *_rule(label, protocol, address, port, to_port))


async def _found(label: str) -> list[list[str]]:
    if shutil.which("iptables") is None:
        return []
    rules = [shlex.split(line) for line in (await _iptables("--list-rules", CHAIN)).splitlines()]
    return [rule[2:] for rule in rules if rule[0] == "-A" and label in rule]


async def all_of(label: str) -> list[str]:
    """Rules with that label, as iptables prints them."""
    return [shlex.join(rule) for rule in await _found(label)]


async def end_all(label: str) -> None:
    """Delete every rule with that label."""
    for rule in await _found(label):
        await _iptables("--delete", CHAIN, *rule)

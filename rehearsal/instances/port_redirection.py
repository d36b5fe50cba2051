"""DNAT rules for ports of a rehearsal's addresses that another program holds on every address of this host.

The host's own sshd on 0.0.0.0:22 also takes port 22 of 127.x.y.z. The forwarder then listens on a free port, to which
an iptables rule redirects that address and port: one for callers on this host and, at an address that containers reach
(the gateway of a Docker network), one more for these. The rules carry the rehearsal's label as their comment, by which
they are found again.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
from ipaddress import ip_address

from rehearsal.instances.docker import InstanceError

TABLE = ("--wait", "--table", "nat")
HERE, ELSEWHERE = "OUTPUT", "PREROUTING"
"""Chains for packets of this host's own programs, and for those that come in, such as from a container."""


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
    """Redirect a port of an address of this host to another port of the same address."""
    for chain in _chains(address):
        await _iptables("--append", chain, *_rule(label, protocol, address, port, to_port))


async def end(label: str, protocol: str, address: str, port: int, to_port: int) -> None:
    """Remove the rules of `redirect`."""
    for chain in _chains(address):
        await _iptables("--delete", chain, *_rule(label, protocol, address, port, to_port))


def _chains(address: str) -> tuple[str, ...]:
    return (HERE,) if ip_address(address).is_loopback else (HERE, ELSEWHERE)


async def _found(label: str) -> list[list[str]]:
    if shutil.which("iptables") is None:
        return []
    listed = [await _iptables("--list-rules", chain) for chain in (HERE, ELSEWHERE)]
    rules = [shlex.split(line) for lines in listed for line in lines.splitlines()]
    return [rule[1:] for rule in rules if rule[0] == "-A" and label in rule]


async def all_of(label: str) -> list[str]:
    """Rules with that label as iptables prints them, each after its chain."""
    return [shlex.join(rule) for rule in await _found(label)]


async def end_all(label: str) -> None:
    """Delete every rule with that label."""
    for rule in await _found(label):
        await _iptables("--delete", *rule)

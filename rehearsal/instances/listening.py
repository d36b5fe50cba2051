"""Which ports are listened on, read from a process's view of the network in /proc.

The format is that of proc(5), /proc/net/tcp: addresses are hexadecimal, each group of 32 bits in the
machine's byte order.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

STATES = {"TCP": "0A", "UDP": "07"}
"""LISTEN for TCP; unconnected for UDP."""


@dataclass(frozen=True)
class Listening:
    """One socket that takes in what comes from outside."""

    protocol: str
    address: IPv4Address | IPv6Address
    port: int

    def reached_at(self, address: str) -> bool:
        """Whether what is sent to this IPv4 address reaches it."""
        mapped = self.address.ipv4_mapped if isinstance(self.address, IPv6Address) else None
        return self.address.is_unspecified or (mapped or self.address) == IPv4Address(address)


def listening(process: int | str = "self") -> Iterator[Listening]:
    """Every listening socket in the network namespace of a process; none when it has ended."""
    for protocol, state in STATES.items():
        for suffix in ("", "6"):
            try:
                table = Path(f"/proc/{process}/net/{protocol.lower()}{suffix}").read_text()
            except (FileNotFoundError, ProcessLookupError):  # It has ended, or the kernel has no IPv6.
                continue
            except OSError as error:
                if error.errno == errno.EINVAL:  # It is ending.
                    continue
                raise
            for line in table.splitlines()[1:]:
                fields = line.split()
                if fields[3] == state:
                    address, _, port = fields[1].partition(":")
                    yield Listening(protocol, _address(address), int(port, 16))


def _address(text: str) -> IPv4Address | IPv6Address:
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return IPv4Address(packed) if len(words) == 1 else IPv6Address(packed)

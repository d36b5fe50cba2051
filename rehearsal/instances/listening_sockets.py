"""Listening sockets of a network namespace, read from /proc/PID/net.

The format is that of proc(5), /proc/net/tcp: hexadecimal addresses, each group of 32 bits in the host's byte order.
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
    """One listening TCP socket, or one unconnected UDP socket."""

    protocol: str
    address: IPv4Address | IPv6Address
    port: int

    def reached_at(self, address: str) -> bool:
        """Whether the socket receives what is sent to this IPv4 address."""
        mapped = self.address.ipv4_mapped if isinstance(self.address, IPv6Address) else None
        return self.address.is_unspecified or (mapped or self.address) == IPv4Address(address)


def listening(process: int | str = "self") -> Iterator[Listening]:
    """Listening sockets in the network namespace of a process; none once the process has ended."""
    for protocol, state in STATES.items():
        for suffix in ("", "6"):
            try:
                table = Path(f"/proc/{process}/net/{protocol.lower()}{suffix}").read_text()
            except (FileNotFoundError, ProcessLookupError):  # The process has ended, or the kernel has no IPv6.
                continue
            except OSError as error:
                if error.errno == errno.EINVAL:  # The process is ending.
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

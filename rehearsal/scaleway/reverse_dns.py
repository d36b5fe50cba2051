"""Reverse names of public addresses: Scaleway takes one only if the name means the address."""

from __future__ import annotations

import asyncio
import socket

from rehearsal.scaleway.api_errors import invalid
from rehearsal.scaleway.store import Store


async def check_reverse(store: Store, name: str, address: str) -> None:
    """Raise ApiError (400) unless a name means an address, in the stand-in's own zones or in the world's."""
    if not await _resolves(store, name.rstrip("."), address):
        raise invalid(
            "reverse",
            f"Your reverse must resolve. Ensure the command 'dig +short {name}' "
            f"matches your IP address '{address}'. If it does, please contact our support.",
        )


async def _resolves(store: Store, name: str, address: str) -> bool:
    for record in store.dns_records:
        full = f"{record['name']}.{record['_zone']}".lstrip(".")
        if record["type"] == "A" and full == name and record["data"] == address:
            return True
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, family=socket.AF_INET)
    except socket.gaierror:
        return False
    return any(entry[4][0] == address for entry in found)

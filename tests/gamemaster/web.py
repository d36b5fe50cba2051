"""Callers of the game master's web side, from outside."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509


class _Fixed(AbstractResolver):
    """Finds every name at one address, as the world would by DNS."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        del family
        return [{"hostname": host, "host": self._address, "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Browser:
    """Somebody who trusts one authority and finds every name at the game master."""

    address: str
    root: str

    def trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.root)
        return context

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(resolver=_Fixed(self.address), ssl=self.trust())
        async with aiohttp.ClientSession(connector=connector) as session:
            yield session

    async def certificate(self, name: str, context: ssl.SSLContext | None = None) -> tuple[x509.Certificate, str]:
        """The certificate that a name shows, and the protocol's version. Raises ssl.SSLError as a browser would."""
        _, writer = await asyncio.open_connection(self.address, 443, ssl=context or self.trust(), server_hostname=name)
        shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
        found, version = shown.getpeercert(binary_form=True), shown.version()
        writer.close()
        assert found is not None
        assert version is not None
        return x509.load_der_x509_certificate(found), version

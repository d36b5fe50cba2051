"""Who signs, and how it is shown that a name is one's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Issuer:
    """An ACME authority, and the name server at which its challenges are answered by dynamic update (RFC 2136)."""

    directory: str
    authority: str
    """Certificates (PEM) to trust there; empty for those that this machine trusts."""
    name_server: str
    port: int
    key_name: str
    key: str
    """Base64, for HMAC-SHA256."""


class OrderError(Exception):
    """The authority or the name server refused, or did not answer; the text says which."""

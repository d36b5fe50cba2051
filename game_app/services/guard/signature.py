"""Signature of Drone's requests to its extensions.

Drone signs by the draft `cavage-http-signatures` with HMAC-SHA256 over five headers, one of which is the digest of
the body. The newer standard (RFC 9421) has other headers, so that its libraries do not help here.
Source: drone-go, plugin/internal/client/client.go
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

SIGNED: Final = ("accept", "accept-encoding", "content-type", "date", "digest")
"""The headers that are signed, in this order. A shorter list would leave the body or its age unproven."""
SIGNED_BY_WEBHOOKS: Final = ("date", "digest")
"""The same of Drone's webhooks. Source: drone, plugin/webhook/webhook.go"""
SKEW: Final = timedelta(minutes=5)
"""How far a request's date may lie from the guard's clock."""
_PARAMETER: Final = re.compile(r'([A-Za-z]+)="([^"\\]*)"')
_DATE: Final = "%a, %d %b %Y %H:%M:%S GMT"

Headers = Sequence[tuple[str, str]]


class UnsignedError(Exception):
    """A request is not proven to be Drone's; the text says why and repeats nothing of the request."""


def verify(headers: Headers, body: bytes, secret: bytes, now: datetime, signed: Sequence[str] = SIGNED) -> None:
    """Raises UnsignedError unless the request was signed with the secret, is whole, and is of now.

    now: aware, in UTC. signed: the headers that such a request signs.
    """
    given = _once(headers, signed)
    parameters = _parameters(given["signature"])
    check_kind(parameters, signed)
    check_secret(given, parameters, secret, signed)
    check_body(given, body)
    check_age(given, now)


def check_kind(parameters: Mapping[str, str], signed: Sequence[str]) -> None:
    """The signature is made as Drone makes it, over all that it must cover."""
    if set(parameters) != {"keyId", "algorithm", "headers", "signature"} or (
        (parameters["keyId"], parameters["algorithm"], parameters["headers"])
        != ("hmac-key", "hmac-sha256", " ".join(signed))
    ):
        raise UnsignedError("the signature is of another kind than Drone's")


def check_secret(given: Mapping[str, str], parameters: Mapping[str, str], secret: bytes, signed: Sequence[str]) -> None:
    """Whoever signed the headers has the secret."""
    message = "\n".join(f"{name}: {given[name]}" for name in signed).encode()
    if not hmac.compare_digest(hmac.digest(secret, message, "sha256"), _decoded(parameters["signature"])):
        raise UnsignedError("the signature is wrong")


def check_body(given: Mapping[str, str], body: bytes) -> None:
    """The body is the one whose digest was signed."""
    digest = "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
    if not hmac.compare_digest(digest.encode(), given["digest"].encode()):
        raise UnsignedError("the body is not the one that was signed")


def check_age(given: Mapping[str, str], now: datetime) -> None:
    """The request was made now: one that was kept back is of no use."""
    if abs(now - _date(given["date"])) > SKEW:
        raise UnsignedError("the request is too old, or one of the clocks is wrong")


def _once(headers: Headers, signed: Sequence[str]) -> Mapping[str, str]:
    """Each header that counts, which must be there once: of two, a proxy and the guard may read different ones."""
    wanted = {*signed, "signature"}
    found: dict[str, str] = {}
    for name, value in headers:
        folded = name.lower()
        if folded in wanted:
            if folded in found:
                raise UnsignedError(f"the header {folded} is there twice")
            found[folded] = value
    for name in sorted(wanted):
        if name not in found:
            raise UnsignedError(f"the header {name} is missing")
    return found


def _parameters(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in header.split(","):
        matched = _PARAMETER.fullmatch(part.strip())
        if matched is None or matched[1] in found:
            raise UnsignedError("the signature cannot be read")
        found[matched[1]] = matched[2]
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnsignedError("the signature cannot be read") from error


def _date(text: str) -> datetime:
    try:
        return datetime.strptime(text, _DATE).replace(tzinfo=UTC)
    except ValueError as error:
        raise UnsignedError("the date cannot be read") from error

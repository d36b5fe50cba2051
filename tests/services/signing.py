"""Signs requests as Drone does, written from the draft and not from the guard's verifier."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime

from game_app.services.guard.signature import Headers

ORDER = ("accept", "accept-encoding", "content-type", "date", "digest")
ACCEPT = {
    "/config": "application/vnd.drone.config.v1+json",
    "/validate": "application/vnd.drone.validate.v1+json",
}


def signed_headers(
    path: str,
    body: bytes,
    secret: bytes,
    at: datetime,
    *,
    over: Sequence[str] = ORDER,
    key_id: str = "hmac-key",
    algorithm: str = "hmac-sha256",
    changed: Mapping[str, str] | None = None,
) -> Headers:
    """The headers of a request.

    changed: headers that have another value than Drone's when they are signed.
    """
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    headers = {
        "accept": ACCEPT.get(path, "application/json"),
        "accept-encoding": "identity",
        "content-type": "application/json",
        "date": format_datetime(at, usegmt=True),
        "digest": f"SHA-256={digest}",
        **(changed or {}),
    }
    text = "\n".join(f"{name}: {headers[name]}" for name in over)
    mac = hmac.new(secret, text.encode(), hashlib.sha1 if algorithm == "hmac-sha1" else hashlib.sha256)
    value = base64.b64encode(mac.digest()).decode()
    signature = f'keyId="{key_id}",algorithm="{algorithm}",signature="{value}",headers="{" ".join(over)}"'
    return [("Host", "guard"), *((name.title(), headers[name]) for name in headers), ("Signature", signature)]

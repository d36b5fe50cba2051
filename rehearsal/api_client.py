"""Asks a rehearsal's Scaleway API, by the rehearsal's own account."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from rehearsal.scaleway import Credentials
from rehearsal.session import Block, Service, Session


def ask(session: Session, method: str, path: str, body: Any = None) -> Any:
    """The answer's JSON, or None where it has no body.

    Raises urllib.error.HTTPError for an answer that is an error, and OSError where nobody answers.
    """
    request = urllib.request.Request(
        f"http://{session.address(Block.SERVICES, Service.SCALEWAY_API)}:8080{path}",
        method=method,
        headers={"X-Auth-Token": Credentials.load_or_create(session).secret_key, "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body).encode(),
    )
    # A proxy of this machine has no way to its loopback.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def billed(session: Session) -> dict[str, int]:
    """How many there are of each kind of resource that there are any of."""
    counted: dict[str, int] = ask(session, "GET", "/rehearsal/state")
    return {kind: number for kind, number in counted.items() if number}

"""The API's objects as the stand-in keeps them, and the times and identities in them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
"""One object of the API in its JSON form. Keys that start with _ are the stand-in's own notes."""

_STAND_IN = uuid.UUID("6f0c2b8e-57d1-4c1e-9a57-3d1d6f1a9b10")


def public(record: Mapping[str, Any]) -> Record:
    """What of a record the API shows."""
    return {key: value for key, value in record.items() if not key.startswith("_")}


def new_id() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


def fixed_id(*names: str) -> str:
    """The id of something that is the same in every run, such as an image."""
    return str(uuid.uuid5(_STAND_IN, "/".join(names)))


def now() -> str:
    """The time as most of Scaleway's products write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instance_now() -> str:
    """The time as the Instance API (v1) writes it."""
    return datetime.now(UTC).isoformat()


def region_of(zone: str) -> str:
    """fr-par for fr-par-1."""
    return zone.rpartition("-")[0]


def mac_address(prefix: str, identity: str) -> str:
    """A hardware address of its own for an object: a prefix of three bytes, then three from its id."""
    tail = identity.replace("-", "")[:6]
    return f"{prefix}:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"

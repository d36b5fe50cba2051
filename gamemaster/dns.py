"""bind9, authority of the delegated subdomain, and the records in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pulumi

from common.templates import render
from gamemaster.remote import Host

_TEMPLATES = Path(__file__).parent / "templates"

RecordType = Literal["A", "AAAA", "CNAME", "TXT", "MX", "CAA"]

TTL = 60
"""Seconds a record may be kept by resolvers: how long players wait at most when a board is swapped."""


@dataclass(frozen=True)
class _Options:
    responses_per_second: int


@dataclass(frozen=True)
class _Zone:
    zone: str
    name_server: str
    update_key_name: str
    ttl: int


@dataclass(frozen=True)
class _Key:
    name: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class NameServerArgs:
    """What bind9 answers for."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the first boot's step, which must have ended."""
    zone: str
    """The delegated subdomain, such as hunt.example.org."""
    name_server: str
    """Name of this server; it lies in the parent zone, so that no glue is needed."""
    update_key: pulumi.Input[str]
    """TSIG secret (base64, HMAC-SHA256) with which boards may write TXT records."""
    responses_per_second: int = 50
    """Identical answers per second to one network before bind9 slows it down."""


class NameServer(pulumi.ComponentResource):
    """bind9 on the game master: authority only, records by dynamic update."""

    zone: pulumi.Output[str]
    """The zone, known once bind9 answers for it."""

    UPDATE_KEY = "board"
    """Name of the TSIG key of the boards."""

    def __init__(self, name: str, args: NameServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:NameServer", name, None, opts)
        about = _Zone(args.zone, args.name_server, self.UPDATE_KEY, TTL)
        key = pulumi.Output.secret(args.update_key).apply(
            lambda secret: render(_TEMPLATES / "update.key.j2", _Key(self.UPDATE_KEY, secret))
        )
        options = _Options(args.responses_per_second)
        step = args.host.step(
            f"{name}-bind9",
            "name-server",
            {
                "zone": args.zone,
                "named.conf.options": render(_TEMPLATES / "named.conf.options.j2", options),
                "named.conf.local": render(_TEMPLATES / "named.conf.local.j2", about),
                "zone.db": render(_TEMPLATES / "zone.db.j2", about),
                "update.key": key,
            },
            parent=self,
            after=args.booted,
        )
        self.zone = step.stdout
        self.register_outputs({"zone": self.zone})


@dataclass(frozen=True, kw_only=True)
class RecordArgs:
    """One set of records: all with the same name and type."""

    host: Host
    zone: pulumi.Input[str]
    """The zone that holds it, as NameServer gives it."""
    label: str
    """Name below the zone (`play`, `*.blue`), or `@` for the zone itself."""
    type: RecordType
    data: Sequence[pulumi.Input[str]]
    """What the records say, in zone-file notation."""
    ttl: int = TTL
    """Seconds."""


class Record(pulumi.ComponentResource):
    """A set of records in the game's zone, taken out again when it is deleted."""

    fqdn: pulumi.Output[str]
    """The full name, without the final dot."""

    def __init__(self, name: str, args: RecordArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Record", name, None, opts)
        zone = pulumi.Output.from_input(args.zone)
        self.fqdn = zone.apply(lambda zone: zone if args.label == "@" else f"{args.label}.{zone}")
        args.host.step(
            f"{name}-update",
            "record",
            {
                "zone": zone,
                "name": self.fqdn.apply(lambda fqdn: f"{fqdn}."),
                "type": args.type,
                "ttl": str(args.ttl),
                "data": pulumi.Output.all(*args.data).apply(lambda lines: "\n".join(map(str, lines))),
            },
            parent=self,
            undo="record-remove",
        )
        self.register_outputs({"fqdn": self.fqdn})

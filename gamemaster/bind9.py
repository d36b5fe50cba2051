"""bind9, the authoritative name server of the delegated zone; records arrive by dynamic updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from gamemaster.certbot import acme_challenges
from gamemaster.host_files import host_file, rendered
from gamemaster.record_set import TTL
from gamemaster.ssh_steps import Host

RESPONSES_PER_SECOND: Final = 50
"""Identical answers per second to one network before bind9 slows that network down (response rate limiting)."""


@dataclass(frozen=True)
class _Options:
    responses_per_second: int


@dataclass(frozen=True)
class _Zone:
    zone: str
    name_server: str
    ttl: int


@dataclass(frozen=True)
class _UpdatePolicy:
    zone: str
    acme_challenges: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Bind9Args:
    """Arguments of bind9."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the script for the first boot, which must have ended."""
    zone: str
    """The delegated zone, such as hunt.example.org."""
    name_server: str
    """Name of this server. The name lies in the parent zone, so that no glue is needed."""
    certificate_names: Sequence[str] = ()
    """Names that the game master gets certificates for."""


class Bind9(pulumi.ComponentResource):
    """bind9 as an authoritative server alone: zone signed with DNSSEC, records by dynamic update (RFC 2136).

    A timer on the host, shambhala-records-drift-repair, puts records back that were changed by hand.
    """

    zone: pulumi.Output[str]
    """The zone, known once bind9 answers for it."""
    ds: pulumi.Output[Sequence[str]]
    """DS records for the parent zone, in zone-file notation, with which resolvers check the zone's signatures."""

    def __init__(self, name: str, args: Bind9Args, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Bind9", name, None, opts)
        script = args.host.run_script(
            f"{name}-setup",
            "bind9",
            {
                "zone": args.zone,
                "named.conf.options": rendered("named.conf.options.j2", _Options(RESPONSES_PER_SECOND)),
                "named.conf.local": zone_configuration(args.zone, args.certificate_names),
                "zone.db": rendered("zone.db.j2", _Zone(args.zone, args.name_server, TTL)),
                "placeholder.key": host_file("placeholder.key"),
                "records-drift-repair": host_file("records-drift-repair.sh"),
                "records-drift-repair.service": host_file("records-drift-repair.service"),
                "records-drift-repair.timer": host_file("records-drift-repair.timer"),
            },
            parent=self,
            after=args.booted,
        )
        self.zone = script.stdout.apply(lambda printed: printed.splitlines()[0] if printed else args.zone)
        self.ds = script.stdout.apply(lambda printed: printed.splitlines()[1:])
        self.register_outputs({"zone": self.zone, "ds": self.ds})


def zone_configuration(zone: str, certificate_names: Sequence[str]) -> str:
    """named.conf.local: the zone, and which TSIG key may update which records."""
    return rendered("named.conf.local.j2", _UpdatePolicy(zone, acme_challenges(certificate_names)))

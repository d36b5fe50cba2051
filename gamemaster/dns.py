"""bind9, authority of the delegated subdomain, of which others write the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from common.templates import render
from gamemaster.certificates import challenges
from gamemaster.records import TTL
from gamemaster.remote import Host, on_host

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class _Options:
    responses_per_second: int


@dataclass(frozen=True)
class _Zone:
    zone: str
    name_server: str
    ttl: int


@dataclass(frozen=True)
class _Policy:
    zone: str
    certificate_challenges: Sequence[str]


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
    certificate_names: Sequence[str] = ()
    """Names that the game master itself gets certificates for."""
    responses_per_second: int = 50
    """Identical answers per second to one network before bind9 slows it down."""


class NameServer(pulumi.ComponentResource):
    """bind9 on the game master: authority only, signed, records by dynamic update."""

    zone: pulumi.Output[str]
    """The zone, known once bind9 answers for it."""
    ds: pulumi.Output[Sequence[str]]
    """DS records for the parent zone, in zone-file notation, which let the world check the signatures."""

    def __init__(self, name: str, args: NameServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:NameServer", name, None, opts)
        about = _Zone(args.zone, args.name_server, TTL)
        step = args.host.step(
            f"{name}-bind9",
            "name-server",
            {
                "zone": args.zone,
                "named.conf.options": render(_TEMPLATES / "named.conf.options.j2", _Options(args.responses_per_second)),
                "named.conf.local": zone_configuration(args.zone, args.certificate_names),
                "zone.db": render(_TEMPLATES / "zone.db.j2", about),
                "boards.key": on_host("boards.key"),
                "keep-records": on_host("keep-records.sh"),
                "keep-records.service": on_host("keep-records.service"),
                "keep-records.timer": on_host("keep-records.timer"),
            },
            parent=self,
            after=args.booted,
        )
        self.zone = step.stdout.apply(lambda printed: printed.splitlines()[0] if printed else args.zone)
        self.ds = step.stdout.apply(lambda printed: printed.splitlines()[1:])
        self.register_outputs({"zone": self.zone, "ds": self.ds})


def zone_configuration(zone: str, certificate_names: Sequence[str]) -> str:
    """bind9's part about the game's zone: who may write what in it."""
    return render(_TEMPLATES / "named.conf.local.j2", _Policy(zone, challenges(certificate_names)))

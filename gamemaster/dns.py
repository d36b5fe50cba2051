"""bind9, authority of the delegated subdomain, of which others write the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from common.keys import derived_dns_key
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
class _BoardKey:
    name: str
    subdomain: str
    challenges: Sequence[str]


@dataclass(frozen=True)
class _Policy:
    zone: str
    certificate_challenges: Sequence[str]
    board_keys: Sequence[_BoardKey]


@dataclass(frozen=True)
class _Key:
    name: str
    secret: str


@dataclass(frozen=True)
class _Keys:
    keys: Sequence[_Key]


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
    """Secret (base64, 32 bytes) that the boards' TSIG keys are derived from."""
    certificate_names: Sequence[str] = ()
    """Names that the game master itself gets certificates for."""
    boards: Mapping[str, Sequence[str]]
    """Name of each board to the names outside its own that lead to it."""
    responses_per_second: int = 50
    """Identical answers per second to one network before bind9 slows it down."""


@dataclass(frozen=True, kw_only=True)
class UpdateKey:
    """A TSIG key (HMAC-SHA256) of a board; it may write TXT records below the board's names only."""

    name: str
    secret: pulumi.Output[str]
    """In base64."""


class NameServer(pulumi.ComponentResource):
    """bind9 on the game master: authority only, signed, records by dynamic update."""

    zone: pulumi.Output[str]
    """The zone, known once bind9 answers for it."""
    ds: pulumi.Output[Sequence[str]]
    """DS records for the parent zone, in zone-file notation, which let the world check the signatures."""
    board_keys: Mapping[str, UpdateKey]
    """Board to the key with which it proves names to certificate authorities."""

    def __init__(self, name: str, args: NameServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:NameServer", name, None, opts)
        about = _Zone(args.zone, args.name_server, TTL)
        master = pulumi.Output.secret(args.update_key)
        self.board_keys = {board: _key_of(board, master) for board in args.boards}
        step = args.host.step(
            f"{name}-bind9",
            "name-server",
            {
                "zone": args.zone,
                "named.conf.options": render(_TEMPLATES / "named.conf.options.j2", _Options(args.responses_per_second)),
                "named.conf.local": zone_configuration(args.zone, args.certificate_names, args.boards),
                "zone.db": render(_TEMPLATES / "zone.db.j2", about),
                "update.keys": pulumi.Output.all(*(key.secret for key in self.board_keys.values())).apply(
                    lambda secrets: _rendered_keys(list(args.boards), [str(secret) for secret in secrets])
                ),
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


def zone_configuration(zone: str, certificate_names: Sequence[str], boards: Mapping[str, Sequence[str]]) -> str:
    """bind9's part about the game's zone: who may write what in it."""
    keys = [_BoardKey(_key_name(board), f"{board}.{zone}", challenges(hosts)) for board, hosts in boards.items()]
    return render(_TEMPLATES / "named.conf.local.j2", _Policy(zone, challenges(certificate_names), keys))


def _rendered_keys(boards: Sequence[str], secrets: Sequence[str]) -> str:
    keys = [_Key(_key_name(board), secret) for board, secret in zip(boards, secrets, strict=True)]
    return render(_TEMPLATES / "update.keys.j2", _Keys(keys))


def _key_name(board: str) -> str:
    return f"board-{board}"


def _key_of(board: str, master: pulumi.Output[str]) -> UpdateKey:
    # Derived, so that one board's key tells nothing about another's and a new board needs no new setting.
    return UpdateKey(name=_key_name(board), secret=master.apply(lambda secret: derived_dns_key(secret, board)))

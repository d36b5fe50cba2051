"""Which name of the game leads where: the one place where boards meet the zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from gamemaster.records import CNAME, A, Record, RecordArgs
from gamemaster.remote import Host


@dataclass(frozen=True, kw_only=True)
class NamesArgs:
    """The names and where they lead."""

    host: Host
    zone: pulumi.Input[str]
    addresses: Mapping[str, pulumi.Input[str]]
    """Label below the zone (`*.blue`, `play`) to IPv4 address."""
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Label to the label that it is another name of."""


class Names(pulumi.ComponentResource):
    """An A record per name, a CNAME per alias."""

    fqdns: Mapping[str, pulumi.Output[str]]
    """Label to full name, known once the name server gives the address."""

    def __init__(self, name: str, args: NamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Names", name, None, opts)
        self.fqdns = {
            label: Record(
                _resource_name(name, label),
                RecordArgs(host=args.host, zone=args.zone, label=label, data=[A(address)]),
                opts=pulumi.ResourceOptions(parent=self),
            ).fqdn
            for label, address in args.addresses.items()
        }
        for label, other in args.aliases.items():
            target = pulumi.Output.concat(other, ".", args.zone)
            Record(
                _resource_name(name, label),
                RecordArgs(host=args.host, zone=args.zone, label=label, data=[CNAME(target)]),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"fqdns": dict(self.fqdns)})


def _resource_name(name: str, label: str) -> str:
    return f"{name}-{label.replace('*', 'wildcard').replace('.', '-').removeprefix('_')}"

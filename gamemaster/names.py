"""Which name of the game leads where: the one place where boards meet the zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from gamemaster.records import A, Record, RecordArgs
from gamemaster.remote import Host


@dataclass(frozen=True, kw_only=True)
class NamesArgs:
    """The names and where they lead."""

    host: Host
    zone: pulumi.Input[str]
    addresses: Mapping[str, pulumi.Input[str]]
    """Label below the zone (`*.blue`, `play`) to IPv4 address."""


class Names(pulumi.ComponentResource):
    """An A record per name."""

    fqdns: Mapping[str, pulumi.Output[str]]
    """Label to full name, known once the name server gives the address."""

    def __init__(self, name: str, args: NamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Names", name, None, opts)
        self.fqdns = {
            label: Record(
                f"{name}-{label.replace('*', 'wildcard').replace('.', '-')}",
                RecordArgs(host=args.host, zone=args.zone, label=label, data=[A(address)]),
                opts=pulumi.ResourceOptions(parent=self),
            ).fqdn
            for label, address in args.addresses.items()
        }
        self.register_outputs({"fqdns": dict(self.fqdns)})

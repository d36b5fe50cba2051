"""DNS records of the game: A records and CNAME records in the game's zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from gamemaster.record_set import CNAME, A, RecordSet, RecordSetArgs
from gamemaster.ssh_steps import Host


@dataclass(frozen=True, kw_only=True)
class DnsRecordsArgs:
    """Arguments of a group of DNS records; a label is a name below the zone, such as `play` or `*.blue`."""

    host: Host
    zone: pulumi.Input[str]
    """The game's zone, as Bind9 gives it."""
    a_records: Mapping[str, pulumi.Input[str]]
    """Label to IPv4 address."""
    cname_records: Mapping[str, str] = field(default_factory=dict[str, str])
    """Label to the label of the canonical name."""


class DnsRecords(pulumi.ComponentResource):
    """An A record for each address, a CNAME record for each alias."""

    fqdns: Mapping[str, pulumi.Output[str]]
    """Label of each A record to its full name, known once bind9 serves the zone."""

    def __init__(self, name: str, args: DnsRecordsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:DnsRecords", name, None, opts)
        self.fqdns = {
            label: RecordSet(
                _resource_name(name, label),
                RecordSetArgs(host=args.host, zone=args.zone, label=label, records=[A(address)]),
                opts=pulumi.ResourceOptions(parent=self),
            ).fqdn
            for label, address in args.a_records.items()
        }
        for label, canonical in args.cname_records.items():
            target = pulumi.Output.concat(canonical, ".", args.zone)
            RecordSet(
                _resource_name(name, label),
                RecordSetArgs(host=args.host, zone=args.zone, label=label, records=[CNAME(target)]),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"fqdns": dict(self.fqdns)})


def _resource_name(name: str, label: str) -> str:
    return f"{name}-{label.replace('*', 'wildcard').replace('.', '-').removeprefix('_')}"

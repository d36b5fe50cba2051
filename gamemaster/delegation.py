"""The two records in the parent zone that make the world ask the game master."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumiverse_scaleway import domain

from common.naming import name_server_label
from gamemaster.remote import Host

ParentZone = Literal["scaleway", "external"]


@dataclass(frozen=True, kw_only=True)
class DelegationArgs:
    """Who delegates what to whom."""

    parent: str
    """The parent zone, such as example.org."""
    hosted_by: ParentZone
    """`scaleway`: the records are made there; `external`: the operator adds `records` by hand."""
    subdomain: str
    """Label(s) of the delegated zone below the parent, such as hunt."""
    ip: pulumi.Input[str]
    """IPv4 address of the game master."""
    host: Host
    """From where the parent zone is looked at."""
    answers: pulumi.Input[str]
    """Output of NameServer: bind9 must answer before anybody is led to it."""
    timeout: int
    """Seconds to wait until the parent zone leads to the game master; 0 does not look."""


class Delegation(pulumi.ComponentResource):
    """NS and A of the game master in the parent zone.

    The name server's own name lies outside the delegated zone, so that the parent needs no glue.
    """

    records: pulumi.Output[Sequence[str]]
    """The two records in zone-file notation, ready to paste into the parent zone."""

    in_place: pulumi.Output[str]
    """Known once the parent zone's own servers answer with the records, or once they are there if nobody looks."""

    def __init__(self, name: str, args: DelegationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Delegation", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        label = name_server_label(args.subdomain)
        server = f"{label}.{args.parent}."
        if args.hosted_by == "scaleway":
            address = domain.Record(
                f"{name}-a", dns_zone=args.parent, name=label, type="A", data=args.ip, ttl=300, opts=child
            )
            delegated = domain.Record(
                f"{name}-ns",
                dns_zone=args.parent,
                name=args.subdomain,
                type="NS",
                # Scaleway compares the name with its final dot.
                data=server,
                ttl=300,
                # No value flows, but a delegation must never name a server without an address.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[address]),
            )
            made = delegated.id
        else:
            made = pulumi.Output.from_input("by the operator")
        self.records = pulumi.Output.from_input(args.ip).apply(
            lambda ip: [f"{args.subdomain}.{args.parent}. 300 IN NS {server}", f"{server} 300 IN A {ip}"]
        )
        ready = pulumi.Output.all(args.answers, made).apply(lambda known: " ".join(map(str, known)))
        self.in_place = self._seen(name, args, f"{label}.{args.parent}", ready) if args.timeout else ready
        self.register_outputs({"records": self.records, "in_place": self.in_place})

    def _seen(self, name: str, args: DelegationArgs, name_server: str, ready: pulumi.Output[str]) -> pulumi.Output[str]:
        """Waits until the parent zone's own servers lead to the game master."""
        return args.host.step(
            f"{name}-check",
            "delegation",
            {
                "zone": f"{args.subdomain}.{args.parent}",
                "parent": args.parent,
                "hosted-by": args.hosted_by,
                "name-server": name_server,
                "ip": args.ip,
                "seconds": str(args.timeout),
            },
            parent=self,
            after=ready,
        ).stdout

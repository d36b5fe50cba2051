"""Delegation of the game's zone: the NS and A records in the parent zone that lead to the game master."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumiverse_scaleway import domain

from common.naming import name_server_label
from common.settings import Settings
from gamemaster.ssh_steps import Host

TTL: Final = 300
"""Seconds for which resolvers keep the two records."""


@dataclass(frozen=True, kw_only=True)
class DelegationArgs:
    """Arguments of the delegation."""

    settings: Settings
    ip: pulumi.Input[str]
    """IPv4 address of the game master."""
    host: Host
    """Host from which the parent zone's servers are asked."""
    zone: pulumi.Input[str]
    """Output of Bind9: bind9 must answer before the parent zone leads to it."""


class Delegation(pulumi.ComponentResource):
    """NS and A record of the game master in the parent zone, made at Scaleway DNS or added by the operators by hand.

    The name server's own name lies outside the delegated zone, so that the parent zone needs no glue.
    """

    records: pulumi.Output[Sequence[str]]
    """The two records in zone-file notation, ready to paste into the parent zone."""

    in_place: pulumi.Output[str]
    """Known once the parent zone's own servers answer with the records; where that is not checked, once Scaleway has
    the records."""

    def __init__(self, name: str, args: DelegationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Delegation", name, None, opts)
        settings = args.settings
        server = f"{name_server(settings)}."
        self.records = pulumi.Output.from_input(args.ip).apply(
            lambda ip: [f"{settings.zone_name}. {TTL} IN NS {server}", f"{server} {TTL} IN A {ip}"]
        )
        ready = pulumi.Output.from_input(args.zone)
        if settings.parent_zone == "scaleway":
            # With its id: another record is checked again.
            ready = pulumi.Output.concat(ready, " ", self._records_at_scaleway(name, settings, args.ip))
        # Only certificates need the delegation at once.
        checked = settings.acme_directory and settings.certificates.delegation_timeout_seconds
        self.in_place = self._checked(name, args, ready) if checked else ready
        self.register_outputs({"records": self.records, "in_place": self.in_place})

    def _records_at_scaleway(self, name: str, settings: Settings, ip: pulumi.Input[str]) -> pulumi.Output[str]:
        """The records in a parent zone that Scaleway DNS hosts; the output is known once they are there."""
        address = domain.Record(
            f"{name}-a",
            dns_zone=settings.domain,
            name=name_server_label(settings.subdomain),
            type="A",
            data=ip,
            ttl=TTL,
            opts=pulumi.ResourceOptions(parent=self),
        )
        delegated = domain.Record(
            f"{name}-ns",
            dns_zone=settings.domain,
            name=settings.subdomain,
            type="NS",
            # Scaleway compares the name with its final dot.
            data=f"{name_server(settings)}.",
            ttl=TTL,
            # No value flows, but a delegation must never name a server without an address.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[address]),
        )
        return delegated.id

    def _checked(self, name: str, args: DelegationArgs, ready: pulumi.Output[str]) -> pulumi.Output[str]:
        """Known once the parent zone's own servers lead to the game master."""
        settings = args.settings
        return args.host.run_script(
            f"{name}-check",
            "delegation",
            {
                "zone": settings.zone_name,
                "parent": settings.domain,
                "hosted-by": settings.parent_zone,
                "name-server": name_server(settings),
                "ip": args.ip,
                "seconds": str(settings.certificates.delegation_timeout_seconds),
            },
            parent=self,
            after=ready,
        ).stdout


def name_server(settings: Settings) -> str:
    """Full name of the game master as a name server, without the final dot."""
    return f"{name_server_label(settings.subdomain)}.{settings.domain}"

"""The zone's certificate: certbot, with DNS challenges that our own bind9 answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from gamemaster.remote import Host, on_host


@dataclass(frozen=True, kw_only=True)
class CertificatesArgs:
    """What is certified, and by whom."""

    host: Host
    zone: pulumi.Input[str]
    """The game's zone, as NameServer gives it: bind9 answers the challenges."""
    delegated: pulumi.Input[str]
    """Output of Delegation: the authority finds bind9 by the parent zone."""
    names: Sequence[str]
    """The names in it, as `certificate_names` gives them."""
    directory: pulumi.Input[str]
    """URL of the authority's ACME directory."""
    email: str | None = None
    """Where the authority may write to; None for an account without an address."""
    authority: str | None = None
    """Certificates (PEM) to trust when talking to the ACME server; None for those that Debian trusts."""


class Certificates(pulumi.ComponentResource):
    """One certificate for the zone, all names directly below it, and named ones further down."""

    issued: pulumi.Output[str]
    """The certificate's serial number and end date, known once there is one."""

    def __init__(self, name: str, args: CertificatesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Certificates", name, None, opts)
        step = args.host.step(
            f"{name}-certbot",
            "certificates",
            {
                "zone": pulumi.Output.from_input(args.zone),
                "names": "\n".join(args.names),
                "directory": args.directory,
                "email": args.email or "",
                "authority.pem": args.authority or "",
                "reload-proxy": on_host("reload-proxy.sh"),
            },
            parent=self,
            after=args.delegated,
        )
        self.issued = step.stdout
        self.register_outputs({"issued": self.issued})


def certificate_names(zone: str, hosts: Sequence[str] = ()) -> list[str]:
    """The zone, its wildcard, and those hosts that the wildcard does not cover.

    Let's Encrypt refuses an order in which a name is covered by a wildcard of the same order.
    """
    further = [host for host in hosts if host != zone and host.partition(".")[2] != zone]
    return [zone, f"*.{zone}", *dict.fromkeys(further)]


def challenges(names: Sequence[str]) -> list[str]:
    """Where the authority looks for the proofs (RFC 8555, section 8.4): once for a name and its wildcard."""
    return list(dict.fromkeys(f"_acme-challenge.{name.removeprefix('*.')}" for name in names))

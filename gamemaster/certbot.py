"""certbot: the zone's certificate, proven by DNS-01 challenges that our own bind9 answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from gamemaster.host_files import host_file
from gamemaster.ssh_steps import Host


@dataclass(frozen=True, kw_only=True)
class CertbotArgs:
    """Arguments of certbot."""

    host: Host
    zone: pulumi.Input[str]
    """The game's zone, as Bind9 gives it: bind9 answers the challenges."""
    delegated: pulumi.Input[str]
    """Output of Delegation: the certificate authority finds bind9 through the parent zone."""
    names: Sequence[str]
    """Names in the certificate, as `certificate_names` gives them."""
    acme_directory: str
    """URL of the certificate authority's ACME directory."""
    email: str | None
    """Address for messages of the certificate authority; None for an ACME account without an address."""
    acme_ca_bundle: str | None
    """Certificates (PEM) to trust when talking to the ACME server; None for those that Debian trusts."""


class Certbot(pulumi.ComponentResource):
    """One certificate for the zone, all names directly below it, and named ones further down, renewed by a timer."""

    certificate: pulumi.Output[str]
    """Serial number and end date of the certificate, known once there is one."""

    def __init__(self, name: str, args: CertbotArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Certbot", name, None, opts)
        script = args.host.run_script(
            f"{name}-setup",
            "certbot",
            {
                "zone": args.zone,
                "names": "\n".join(args.names),
                "directory": args.acme_directory,
                "email": args.email or "",
                "acme-ca-bundle.pem": args.acme_ca_bundle or "",
                "reload-nginx": host_file("reload-nginx.sh"),
            },
            parent=self,
            after=args.delegated,
        )
        self.certificate = script.stdout
        self.register_outputs({"certificate": self.certificate})


def certificate_names(zone: str, hosts: Sequence[str] = ()) -> list[str]:
    """The zone, its wildcard, and those hosts that the wildcard does not cover.

    Let's Encrypt refuses an order in which a name is covered by a wildcard of the same order.
    """
    further = [host for host in hosts if host != zone and host.partition(".")[2] != zone]
    return [zone, f"*.{zone}", *dict.fromkeys(further)]


def acme_challenges(names: Sequence[str]) -> list[str]:
    """Names of the TXT records of the DNS-01 challenges (RFC 8555, section 8.4): one for a name and its wildcard."""
    return list(dict.fromkeys(f"_acme-challenge.{name.removeprefix('*.')}" for name in names))

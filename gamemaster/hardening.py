"""Hardening of the game master: sshd, packet filter, security updates, journal, time synchronisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses

import pulumi

from common.settings import Operators
from gamemaster.host_files import host_file, rendered
from gamemaster.ssh_steps import Host


@dataclass(frozen=True)
class _Operators:
    operator_cidrs: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class HardeningArgs:
    """Arguments of the hardening."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the script for the first boot, which must have ended."""
    operators: Operators


class Hardening(pulumi.ComponentResource):
    """SSH by keys only, a packet filter, security updates, a bounded journal, the right time."""

    done: pulumi.Output[str]
    """Known once all of it is in force."""

    def __init__(self, name: str, args: HardeningArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Hardening", name, None, opts)
        script = args.host.run_script(
            f"{name}-setup",
            "hardening",
            {
                "sshd.conf": sshd(args.operators.cidrs),
                "firewall.nft": firewall(args.operators.cidrs),
                **{file: host_file(file) for file in ("firewall.service", "journald.conf", "unattended-upgrades.conf")},
            },
            parent=self,
            after=args.booted,
        )
        self.done = script.stdout
        self.register_outputs({"done": self.done})


def firewall(operator_cidrs: Sequence[str]) -> str:
    """Rules of the packet filter, for nft."""
    return rendered("firewall.nft.j2", _operators(operator_cidrs))


def sshd(operator_cidrs: Sequence[str]) -> str:
    """The file for /etc/ssh/sshd_config.d."""
    return rendered("sshd.conf.j2", _operators(operator_cidrs))


def _operators(cidrs: Sequence[str]) -> _Operators:
    # nftables refuses networks of one set that overlap; sshd, addresses with bits behind the network's.
    return _Operators([str(network) for network in collapse_addresses(map(IPv4Network, cidrs))])

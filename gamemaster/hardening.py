"""The host itself: who may enter, what is kept up to date, how much it remembers, what time it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses
from pathlib import Path

import pulumi

from common.templates import render
from gamemaster.remote import Host, on_host

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class _Operators:
    operator_cidrs: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class HardeningArgs:
    """Which host, and who keeps it."""

    host: Host
    booted: pulumi.Input[str]
    """Output of the first boot's step, which must have ended."""
    operator_cidrs: Sequence[str]
    """IPv4 networks from which SSH is allowed."""


class Hardening(pulumi.ComponentResource):
    """Keys only, own packet filter, security updates, bounded logs, right time."""

    done: pulumi.Output[str]
    """Known once all of it is in force."""

    def __init__(self, name: str, args: HardeningArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Hardening", name, None, opts)
        step = args.host.step(
            f"{name}-host",
            "host",
            {
                "sshd.conf": sshd(args.operator_cidrs),
                "firewall.nft": firewall(args.operator_cidrs),
                **{file: on_host(file) for file in ("firewall.service", "journald.conf", "upgrades.conf")},
            },
            parent=self,
            after=args.booted,
        )
        self.done = step.stdout
        self.register_outputs({"done": self.done})


def firewall(operator_cidrs: Sequence[str]) -> str:
    """The packet filter's rules, for nft."""
    return render(_TEMPLATES / "firewall.nft.j2", _operators(operator_cidrs))


def sshd(operator_cidrs: Sequence[str]) -> str:
    """sshd's own part of its configuration."""
    return render(_TEMPLATES / "sshd.conf.j2", _operators(operator_cidrs))


def _operators(cidrs: Sequence[str]) -> _Operators:
    # nftables refuses networks of one set that overlap; sshd, addresses with bits behind the network's.
    return _Operators([str(network) for network in collapse_addresses(map(IPv4Network, cidrs))])

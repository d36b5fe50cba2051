"""The private side: one VPC for the platform, and the game master's network in it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumiverse_scaleway import network

from common.naming import tags


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Where the private side lies."""

    environment: str
    """Name of the environment, for tags."""
    subnet: pulumi.Input[str]
    """Private IPv4 subnet of the game master in CIDR notation."""


class Network(pulumi.ComponentResource):
    """A VPC, in which boards make networks of their own, and the game master's private network."""

    vpc_id: pulumi.Output[str]
    private_network_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        mark = tags(args.environment, "gamemaster")
        vpc = network.Vpc(f"{name}-vpc", tags=mark, opts=child)
        private = network.PrivateNetwork(
            f"{name}-private",
            vpc_id=vpc.id,
            ipv4_subnet=network.PrivateNetworkIpv4SubnetArgs(subnet=args.subnet),
            tags=mark,
            opts=child,
        )
        self.vpc_id = vpc.id
        self.private_network_id = private.id
        self.register_outputs({"vpc_id": self.vpc_id, "private_network_id": self.private_network_id})

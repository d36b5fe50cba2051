"""VPC of an environment, and the game master's private network in it."""

from __future__ import annotations

import pulumi
from pulumiverse_scaleway import network

from common.naming import tags
from common.settings import Settings


class Network(pulumi.ComponentResource):
    """A VPC, in which boards make networks of their own, and the game master's private network."""

    vpc_id: pulumi.Output[str]
    private_network_id: pulumi.Output[str]

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, protect=not settings.gamemaster.allow_replacement)
        mark = tags(settings.environment, "gamemaster")
        vpc = network.Vpc(f"{name}-vpc", tags=mark, opts=child)
        private = network.PrivateNetwork(
            f"{name}-private",
            vpc_id=vpc.id,
            ipv4_subnet=network.PrivateNetworkIpv4SubnetArgs(subnet=settings.gamemaster.subnet),
            tags=mark,
            opts=child,
        )
        self.vpc_id = vpc.id
        self.private_network_id = private.id
        self.register_outputs({"vpc_id": self.vpc_id, "private_network_id": self.private_network_id})

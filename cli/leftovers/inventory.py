"""Every kind of thing that the program, or a cluster of its, can create at Scaleway, product by product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cli.account import Account, Item
from cli.leftovers import listings


@dataclass(frozen=True)
class Kind:
    """One kind of thing, and how all of it is listed."""

    product: str
    name: str
    type: str | None
    """The provider's type; None for what only a cluster or a person makes."""
    list: Callable[[Account], Iterable[Item]]
    billed: bool = True


KINDS: Final = (
    Kind("Instances", "Instance", "scaleway:instance/server:Server", listings.servers),
    Kind("Instances", "flexible IP", "scaleway:instance/ip:Ip", listings.instance_ips),
    Kind(
        "Instances",
        "security group",
        "scaleway:instance/securityGroup:SecurityGroup",
        listings.security_groups,
        billed=False,
    ),
    Kind("Instances", "placement group", None, listings.placement_groups, billed=False),
    Kind("Instances", "local volume", None, listings.local_volumes),
    Kind("Instances", "snapshot", None, listings.local_snapshots),
    Kind("Instances", "image", None, listings.images),
    Kind("Block Storage", "volume", None, listings.block_volumes),
    Kind("Block Storage", "snapshot", None, listings.block_snapshots),
    Kind("Kubernetes", "cluster", "scaleway:kubernetes/cluster:Cluster", listings.clusters),
    Kind("Kubernetes", "pool", "scaleway:kubernetes/pool:Pool", listings.pools),
    Kind("Load Balancers", "load balancer", None, listings.balancers),
    Kind("Load Balancers", "flexible IP", "scaleway:loadbalancers/ip:Ip", listings.balancer_ips),
    Kind("Public Gateways", "gateway", "scaleway:network/publicGateway:PublicGateway", listings.gateways),
    Kind("Public Gateways", "flexible IP", "scaleway:network/publicGatewayIp:PublicGatewayIp", listings.gateway_ips),
    Kind(
        "Public Gateways",
        "connection",
        "scaleway:network/gatewayNetwork:GatewayNetwork",
        listings.gateway_networks,
        billed=False,
    ),
    Kind(
        "VPC",
        "private network",
        "scaleway:network/privateNetwork:PrivateNetwork",
        listings.private_networks,
        billed=False,
    ),
    Kind("VPC", "VPC", "scaleway:network/vpc:Vpc", listings.vpcs, billed=False),
    Kind("Container Registry", "namespace", "scaleway:registry/namespace:Namespace", listings.registries),
    Kind("IAM", "application", "scaleway:iam/application:Application", listings.applications, billed=False),
    Kind("IAM", "policy", "scaleway:iam/policy:Policy", listings.policies, billed=False),
    Kind("IAM", "API key", "scaleway:iam/apiKey:ApiKey", listings.api_keys, billed=False),
    Kind("IAM", "SSH key", None, listings.ssh_keys, billed=False),
    Kind("Domains and DNS", "record", "scaleway:domain/record:Record", listings.parent_records, billed=False),
)
"""All of them."""

LISTED: Final[Mapping[str, Kind]] = {kind.type: kind for kind in KINDS if kind.type}
"""How each of the provider's types that the program makes is listed."""

NOT_LISTED: Final[Mapping[str, str]] = {
    "scaleway:kubernetes/acl:Acl": "sets the whole list of who may reach a cluster, and setting it again is the same",
}
"""The provider's types that the program makes and that leave nothing of their own behind, with the reason."""

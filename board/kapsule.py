"""Kapsule cluster, its private network and its pools of nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s
from pulumiverse_scaleway import kubernetes, network

from common.naming import PROJECT, tags
from common.settings import Board, Pool, Settings

CONTROL_PLANE_MINUTES: Final = 15
"""Timeout for an upgrade of a cluster's control plane: the provider's own timeout for the whole cluster."""
NODE_MINUTES: Final = 6
"""Timeout for each node of an upgrade; Kapsule replaces the nodes of a pool one after the other."""


@dataclass(frozen=True, kw_only=True)
class KapsuleArgs:
    """Settings of the cluster, and the VPC that holds its private network."""

    settings: Settings
    board: str
    """Name of the board."""
    vpc_id: pulumi.Input[str]


class Kapsule(pulumi.ComponentResource):
    """Kapsule cluster in a private network of its own, with ready nodes.

    Another type, CNI or private network replaces the cluster, and so does another network of its pods or Services:
    `ForceNew` in
    https://github.com/scaleway/terraform-provider-scaleway/blob/master/internal/services/k8s/cluster.go
    """

    cluster_id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """A secret, known once every pool is ready: before that the API has no address."""
    dns_ip: pulumi.Output[str]
    """IPv4 address of the cluster's name server, inside the cluster."""
    cluster: kubernetes.Cluster
    provider: k8s.Provider
    """Provider of the objects in this cluster."""

    def __init__(self, name: str, args: KapsuleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:Kapsule", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        own, owner_tags = args.settings.boards[args.board], tags(args.settings.environment, args.board)
        private = network.PrivateNetwork(
            f"{name}-private",
            vpc_id=args.vpc_id,
            ipv4_subnet=network.PrivateNetworkIpv4SubnetArgs(subnet=own.subnet),
            tags=owner_tags,
            opts=pulumi.ResourceOptions(parent=self, protect=not own.allow_replacement),
        )
        self.cluster = kubernetes.Cluster(
            f"{name}-cluster",
            name=f"{PROJECT}-{args.settings.environment}-{args.board}",
            type="kapsule",
            version=own.kubernetes_version,
            cni=own.cni,
            private_network_id=private.id,
            # Load balancers and volumes that were made from inside the cluster are billed: they go with it.
            delete_additional_resources=True,
            # A minor version (x.y) is accepted only together with automatic patch upgrades.
            auto_upgrade=kubernetes.ClusterAutoUpgradeArgs(
                enable=True,
                maintenance_window_day=own.auto_upgrade.day,
                maintenance_window_start_hour=own.auto_upgrade.start_hour,
            ),
            tags=owner_tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=not own.allow_replacement,
                # The new one serves before the old one goes, which the plugin would have the other way round for the
                # name's sake; Scaleway's names need not differ. Nor can the engine delete first what a provider leads
                # to: https://github.com/pulumi/pulumi/issues/14650
                delete_before_replace=False,
                custom_timeouts=pulumi.CustomTimeouts(update=f"{upgrade_minutes(own)}m"),
            ),
        )
        players = args.settings.players.cidrs if args.settings.teams.all else ()
        kubernetes.Acl(
            f"{name}-api-access",
            cluster_id=self.cluster.id,
            # Players look at their own namespace with kubectl. Each network is listed once.
            acl_rules=[kubernetes.AclAclRuleArgs(ip=cidr) for cidr in dict.fromkeys((*own.api_cidrs, *players))],
            opts=child,
        )
        all_public = all(pool.public_ip for pool in own.pools.values())
        gateway = None if all_public else self._public_gateway(name, private, owner_tags)
        pools = [self._pool(f"{name}-{label}", label, own, owner_tags, gateway) for label in own.pools]
        kubeconfigs = pulumi.Output.all(self.cluster.kubeconfigs, *(pool.id for pool in pools))
        self.cluster_id = self.cluster.id
        self.dns_ip = self.cluster.service_dns_ip
        self.kubeconfig = pulumi.Output.secret(kubeconfigs.apply(lambda values: str(values[0][0]["config_file"])))
        self.provider = k8s.Provider(
            f"{name}-provider",
            kubeconfig=self.kubeconfig,
            # Only another cluster replaces what is on it, not a rotated token.
            cluster_identifier=self.cluster.id,
            # What is mounted is changed in place: by default it would be deleted first, and its readers with it.
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            opts=child,
        )
        self.register_outputs({"cluster_id": self.cluster_id, "kubeconfig": self.kubeconfig})

    def _public_gateway(
        self, name: str, private: network.PrivateNetwork, owner_tags: Sequence[str]
    ) -> network.GatewayNetwork:
        """Public Gateway, by which nodes without a public address reach registries and the Kubernetes API."""
        child = pulumi.ResourceOptions(parent=self)
        address = network.PublicGatewayIp(f"{name}-gateway-ip", tags=list(owner_tags), opts=child)
        gateway = network.PublicGateway(
            f"{name}-gateway", type="VPC-GW-S", ip_id=address.id, tags=list(owner_tags), opts=child
        )
        return network.GatewayNetwork(
            f"{name}-gateway-network",
            gateway_id=gateway.id,
            private_network_id=private.id,
            enable_masquerade=True,
            ipam_configs=[network.GatewayNetworkIpamConfigArgs(push_default_route=True)],
            opts=child,
        )

    def _pool(
        self,
        name: str,
        label: str,
        board: Board,
        owner_tags: Sequence[str],
        gateway: pulumi.Resource | None,
    ) -> kubernetes.Pool:
        pool = board.pools[label]
        ready_timeout = f"{board.ready_timeout_seconds}s"
        return kubernetes.Pool(
            name,
            name=pool_name(label, pool),
            cluster_id=self.cluster.id,
            node_type=pool.node_type,
            size=pool.size,
            min_size=pool.min_size,
            max_size=pool.max_size,
            autoscaling=pool.autoscaling,
            autohealing=pool.autohealing,
            root_volume_size_in_gb=pool.root_volume_size_gb,
            root_volume_type=pool.root_volume_type,
            public_ip_disabled=not pool.public_ip,
            labels=dict(pool.labels),
            taints=[
                kubernetes.PoolTaintArgs(key=taint.key, value=taint.value, effect=taint.effect) for taint in pool.taints
            ],
            zone=pool.zone,
            wait_for_pool_ready=True,
            tags=list(owner_tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=not (board.allow_replacement or pool.allow_replacement),
                # The nodes of the new pool are ready before those of the old one go. The plugin would have it the other
                # way round for the name's sake, but the new one has another name.
                delete_before_replace=False,
                custom_timeouts=pulumi.CustomTimeouts(create=ready_timeout, update=ready_timeout),
                # No value flows, but nodes without a route to the Internet never become ready.
                depends_on=None if pool.public_ip else gateway,
                # With autoscaling the size is Scaleway's to change after the start.
                ignore_changes=["size"] if pool.autoscaling else None,
            ),
        )


def upgrade_minutes(board: Board) -> int:
    """Timeout for an upgrade of a board's Kubernetes, by its nodes: of an autoscaled pool, as many as there may be."""
    nodes = sum(pool.max_size if pool.autoscaling else pool.size for pool in board.pools.values())
    return CONTROL_PLANE_MINUTES + NODE_MINUTES * nodes


def pool_name(label: str, pool: Pool) -> str:
    """Name of a pool at Scaleway: its label, and four digits for the settings whose change replaces the pool.

    Two pools of a cluster cannot have one name (https://github.com/scaleway/terraform-provider-scaleway/issues/1037):
    with one name, a pool would be deleted before the pool that replaces it is made.
    """
    fixed = [pool.node_type, pool.root_volume_size_gb, pool.root_volume_type, pool.public_ip, pool.zone]
    return f"{label}-{hashlib.sha256(json.dumps(fixed).encode()).hexdigest()[:4]}"

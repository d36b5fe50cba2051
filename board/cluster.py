"""The Kapsule cluster and its pools of nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s
from pulumiverse_scaleway import kubernetes, network

from common.naming import PROJECT, tags


@dataclass(frozen=True, kw_only=True)
class Taint:
    """A Kubernetes taint."""

    key: str
    value: str
    effect: str
    """NoSchedule, PreferNoSchedule or NoExecute."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Nodes of one kind."""

    node_type: pulumi.Input[str]
    """Commercial type, such as PRO2-XXS."""
    size: pulumi.Input[int]
    """Number of nodes; with autoscaling, the number at the start."""
    min_size: pulumi.Input[int]
    max_size: pulumi.Input[int]
    autoscaling: pulumi.Input[bool] = False
    autohealing: pulumi.Input[bool] = True
    root_volume_size: pulumi.Input[int] = 20
    """GB, at least 20."""
    root_volume_type: pulumi.Input[str] | None = None
    """l_ssd, sbs_5k or sbs_15k; None for Scaleway's own choice."""
    public_ip: bool = True
    """Whether each node has a public address of its own."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Kubernetes labels of the nodes."""
    taints: Sequence[Taint] = ()
    """What keeps pods off the nodes."""
    zone: pulumi.Input[str] | None = None
    """Availability zone; by default the provider's."""


@dataclass(frozen=True, kw_only=True)
class KapsuleArgs:
    """What the cluster is made of."""

    environment: str
    board: str
    """Name of the board."""
    vpc_id: pulumi.Input[str]
    subnet: pulumi.Input[str]
    """Private IPv4 subnet of the nodes in CIDR notation."""
    version: pulumi.Input[str]
    """Kubernetes minor, such as 1.36."""
    cni: pulumi.Input[str]
    """cilium or calico; a change replaces the cluster."""
    upgrade_day: pulumi.Input[str]
    """Day of Scaleway's patch upgrades: monday to sunday, or any."""
    upgrade_hour: pulumi.Input[int]
    """Hour (UTC, 0 to 23) at which their two-hour window starts."""
    pools: Mapping[str, Pool]
    api_cidrs: Sequence[str]
    """Networks in CIDR notation that may reach the Kubernetes API; empty: Scaleway's default, all."""
    ready_timeout: int
    """Seconds that a pool may take until its nodes are ready."""
    protect: bool
    """Refuse to replace or remove the cluster.

    Another type, CNI or private network replaces it, and so does another network of its pods or Services: `ForceNew` in
    https://github.com/scaleway/terraform-provider-scaleway/blob/master/internal/services/k8s/cluster.go
    """


class Kapsule(pulumi.ComponentResource):
    """A Kapsule cluster in a private network of its own, with ready nodes."""

    cluster_id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """A secret; known once every pool is ready, for before that the API has no address."""
    dns_ip: pulumi.Output[str]
    """IPv4 address inside the cluster at which its name server answers."""
    cluster: kubernetes.Cluster
    provider: k8s.Provider
    """What places objects on this cluster."""

    def __init__(self, name: str, args: KapsuleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:Kapsule", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        mark = tags(args.environment, args.board)
        private = network.PrivateNetwork(
            f"{name}-private",
            vpc_id=args.vpc_id,
            ipv4_subnet=network.PrivateNetworkIpv4SubnetArgs(subnet=args.subnet),
            tags=mark,
            opts=child,
        )
        self.cluster = kubernetes.Cluster(
            f"{name}-cluster",
            name=f"{PROJECT}-{args.environment}-{args.board}",
            type="kapsule",
            version=args.version,
            cni=args.cni,
            private_network_id=private.id,
            # Load balancers and volumes that were made from inside the cluster are billed: they go with it.
            delete_additional_resources=True,
            # A minor version (x.y) is accepted only together with automatic patch upgrades.
            auto_upgrade=kubernetes.ClusterAutoUpgradeArgs(
                enable=True,
                maintenance_window_day=args.upgrade_day,
                maintenance_window_start_hour=args.upgrade_hour,
            ),
            tags=mark,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                # The new one serves before the old one goes, which the plugin would have the other way round for the
                # name's sake; Scaleway's names need not differ. Nor can the engine delete first what a provider leads
                # to: https://github.com/pulumi/pulumi/issues/14650
                delete_before_replace=False,
            ),
        )
        if args.api_cidrs:
            kubernetes.Acl(
                f"{name}-api-access",
                cluster_id=self.cluster.id,
                acl_rules=[kubernetes.AclAclRuleArgs(ip=cidr) for cidr in args.api_cidrs],
                opts=child,
            )
        way_out = [] if all(pool.public_ip for pool in args.pools.values()) else [self._way_out(name, private, mark)]
        pools = [
            self._pool(f"{name}-{label}", label, pool, mark, way_out, ready_timeout=args.ready_timeout)
            for label, pool in args.pools.items()
        ]
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

    def _way_out(self, name: str, private: network.PrivateNetwork, mark: Sequence[str]) -> network.GatewayNetwork:
        """A Public Gateway, by which nodes without an address of their own reach registries and the API."""
        child = pulumi.ResourceOptions(parent=self)
        address = network.PublicGatewayIp(f"{name}-gateway-ip", tags=list(mark), opts=child)
        gateway = network.PublicGateway(
            f"{name}-gateway", type="VPC-GW-S", ip_id=address.id, tags=list(mark), opts=child
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
        pool: Pool,
        mark: Sequence[str],
        way_out: Sequence[pulumi.Resource],
        *,
        ready_timeout: int,
    ) -> kubernetes.Pool:
        return kubernetes.Pool(
            name,
            name=label,
            cluster_id=self.cluster.id,
            node_type=pool.node_type,
            size=pool.size,
            min_size=pool.min_size,
            max_size=pool.max_size,
            autoscaling=pool.autoscaling,
            autohealing=pool.autohealing,
            root_volume_size_in_gb=pool.root_volume_size,
            root_volume_type=pool.root_volume_type,
            public_ip_disabled=not pool.public_ip,
            labels=dict(pool.labels),
            taints=[
                kubernetes.PoolTaintArgs(key=taint.key, value=taint.value, effect=taint.effect) for taint in pool.taints
            ],
            zone=pool.zone,
            wait_for_pool_ready=True,
            tags=list(mark),
            opts=pulumi.ResourceOptions(
                parent=self,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{ready_timeout}s", update=f"{ready_timeout}s"),
                # Nodes that cannot get out never become ready, and they are told of the gateway by nobody.
                depends_on=None if pool.public_ip else list(way_out),
                # With autoscaling the size is Scaleway's to change after the start.
                ignore_changes=["size"] if pool.autoscaling is True else None,
            ),
        )

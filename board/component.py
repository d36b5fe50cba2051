"""A board as a whole: cluster, nodes and the door to what runs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from board.certificates import Authorities, Certificates, CertificatesArgs, UpdateKey
from board.cluster import Kapsule, KapsuleArgs, Pool, Taint
from board.ingress import IngressController, IngressControllerArgs
from board.priorities import Priorities
from board.rancher import RancherImport, RancherImportArgs, RancherServer
from common.helm import Charts
from common.kubernetes_api import ApiServer, KubernetesApi
from common.settings import Settings


@dataclass(frozen=True, kw_only=True)
class BoardArgs:
    """Everything a board is made of."""

    environment: str
    board: str
    """Name of the board, also in its names: *.<board>.<zone>."""
    vpc_id: pulumi.Input[str]
    subnet: pulumi.Input[str]
    """Private IPv4 subnet of the nodes in CIDR notation."""
    kubernetes_version: pulumi.Input[str]
    """Kubernetes minor, such as 1.36."""
    cni: pulumi.Input[str]
    upgrade_day: pulumi.Input[str]
    """Day of Scaleway's patch upgrades: monday to sunday, or any."""
    upgrade_hour: pulumi.Input[int]
    """Hour (UTC) at which their window starts."""
    pools: Mapping[str, Pool]
    api_cidrs: Sequence[str]
    """Networks that may reach the Kubernetes API; empty: all."""
    ready_timeout: int
    """Seconds that a pool may take until its nodes are ready."""
    protect: bool
    """Refuse to replace or remove the cluster."""
    zone: pulumi.Input[str]
    """The game's zone, known once its name server answers."""
    name_server: pulumi.Input[str]
    """Public IPv4 address of the zone's name server."""
    key: UpdateKey
    """With which the board proves its names there."""
    authorities: Authorities | None
    """Who may sign the board's certificates; None for a board without TLS."""
    rancher: RancherServer | None = None
    """What manages the board; None for a board on its own."""
    charts: Charts

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        board: str,
        *,
        vpc_id: pulumi.Input[str],
        zone: pulumi.Input[str],
        name_server: pulumi.Input[str],
        key: UpdateKey,
        rancher: RancherServer | None,
        charts: Charts,
    ) -> BoardArgs:
        """The board of that name, as an environment's settings describe it."""
        own = settings.boards[board]
        players = settings.players.cidrs if settings.teams.all else ()
        return cls(
            environment=settings.environment,
            board=board,
            vpc_id=vpc_id,
            subnet=own.subnet,
            kubernetes_version=own.kubernetes_version,
            cni=own.cni,
            upgrade_day=own.auto_upgrade.day,
            upgrade_hour=own.auto_upgrade.start_hour,
            pools={
                name: Pool(
                    node_type=pool.node_type,
                    size=pool.size,
                    min_size=pool.min_size,
                    max_size=pool.max_size,
                    autoscaling=pool.autoscaling,
                    autohealing=pool.autohealing,
                    root_volume_size=pool.root_volume_size_gb,
                    root_volume_type=pool.root_volume_type,
                    public_ip=pool.public_ip,
                    labels=pool.labels,
                    taints=[Taint(key=taint.key, value=taint.value, effect=taint.effect) for taint in pool.taints],
                    zone=pool.zone,
                )
                for name, pool in own.pools.items()
            },
            # Each network once, whoever comes from it.
            api_cidrs=tuple(dict.fromkeys((*own.api_cidrs, *players))),
            ready_timeout=own.ready_timeout_seconds,
            protect=not own.allow_replacement,
            zone=zone,
            name_server=name_server,
            key=key,
            authorities=Authorities.from_settings(settings),
            rancher=rancher,
            charts=charts,
        )


class Board(pulumi.ComponentResource):
    """A Kapsule cluster that exposes applications at one address."""

    cluster_id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """A secret."""
    ingress_ip: pulumi.Output[str]
    """Public IPv4 address of everything that the board exposes."""
    ingress_class: pulumi.Output[str]
    cluster_issuer: pulumi.Output[str] | None
    """cert-manager's issuer of certificates on this board; None where there is no authority."""
    provider: k8s.Provider
    """What places objects on this board."""
    api: ApiServer
    """The board's own Kubernetes API, as pods reach it."""
    dns_ip: pulumi.Output[str]
    """IPv4 address inside the board at which its name server answers."""
    cluster: pulumi.CustomResource
    """The cluster; what is only inside it goes with it."""
    rancher_cluster_id: pulumi.Output[str] | None
    """Rancher's id of the board, known once it is active there; None for a board on its own."""

    def __init__(self, name: str, args: BoardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:Board", name, None, opts)
        kapsule = Kapsule(
            f"{name}-kapsule",
            KapsuleArgs(
                environment=args.environment,
                board=args.board,
                vpc_id=args.vpc_id,
                subnet=args.subnet,
                version=args.kubernetes_version,
                cni=args.cni,
                upgrade_day=args.upgrade_day,
                upgrade_hour=args.upgrade_hour,
                pools=args.pools,
                api_cidrs=args.api_cidrs,
                ready_timeout=args.ready_timeout,
                protect=args.protect,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # What is only inside the cluster goes with it; the door goes first, or its load balancer would stay.
        inside = pulumi.ResourceOptions(parent=self, providers=[kapsule.provider], deleted_with=kapsule.cluster)
        self.api = KubernetesApi(f"{name}-api", opts=inside).server
        priorities = Priorities(f"{name}-priorities", opts=inside)
        certificates = Certificates(
            f"{name}-certificates",
            CertificatesArgs(
                authorities=args.authorities,
                name_server=args.name_server,
                key=args.key,
                priority=priorities.platform,
                api=self.api,
                charts=args.charts,
            ),
            opts=inside,
        )
        ingress = IngressController(
            f"{name}-ingress",
            IngressControllerArgs(
                environment=args.environment,
                board=args.board,
                cluster=kapsule.cluster,
                subnet=args.subnet,
                zone=args.zone,
                cluster_issuer=certificates.cluster_issuer,
                priority=priorities.platform,
                api=self.api,
                charts=args.charts,
            ),
            opts=pulumi.ResourceOptions(parent=self, providers=[kapsule.provider]),
        )
        self.rancher_cluster_id = None
        if args.rancher:
            self.rancher_cluster_id = RancherImport(
                f"{name}-rancher",
                RancherImportArgs(
                    environment=args.environment,
                    board=args.board,
                    rancher=args.rancher,
                    cluster=kapsule.cluster,
                    api=self.api,
                    equipment=[certificates, ingress],
                ),
                opts=inside,
            ).cluster_id
        self.cluster_id = kapsule.cluster_id
        self.kubeconfig = kapsule.kubeconfig
        self.ingress_ip = ingress.ip
        self.ingress_class = ingress.ingress_class
        self.cluster_issuer = certificates.cluster_issuer
        self.provider = kapsule.provider
        self.dns_ip = kapsule.dns_ip
        self.cluster = kapsule.cluster
        self.register_outputs(
            {
                "cluster_id": self.cluster_id,
                "kubeconfig": self.kubeconfig,
                "ingress_ip": self.ingress_ip,
                "cluster_issuer": self.cluster_issuer,
                "rancher_cluster_id": self.rancher_cluster_id,
            }
        )

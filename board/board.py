"""Board: Kapsule cluster, ingress controller, cert-manager, and the import into Rancher."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from board.cert_manager import CertManager, CertManagerArgs, UpdateKey
from board.kapsule import Kapsule, KapsuleArgs
from board.nginx_ingress import NginxIngress, NginxIngressArgs
from board.priority_class import PlatformPriorityClass
from board.rancher_import import RancherImport, RancherImportArgs, RancherServer
from common.helm import Charts
from common.kubernetes_api import ApiServer, KubernetesApi
from common.settings import Settings


@dataclass(frozen=True, kw_only=True)
class BoardArgs:
    """Settings of the environment, and outputs of the game master."""

    settings: Settings
    board: str
    """Name of the board, also in its DNS names: *.<board>.<zone>."""
    charts: Charts
    vpc_id: pulumi.Input[str]
    """VPC that holds the board's private network."""
    zone: pulumi.Input[str]
    """The game's zone, known once the zone's name server answers."""
    name_server: pulumi.Input[str]
    """Public IPv4 address of the zone's name server."""
    key: UpdateKey
    """TSIG key for the board's own ACME challenges."""
    rancher: RancherServer | None = None
    """Rancher that imports the board; None for a board on its own."""


class Board(pulumi.ComponentResource):
    """Kapsule cluster that exposes its Ingresses at one address."""

    cluster_id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """A secret."""
    ingress_ip: pulumi.Output[str]
    """Public IPv4 address of every Ingress."""
    ingress_class: pulumi.Output[str]
    cluster_issuer: pulumi.Output[str] | None
    """Default ClusterIssuer of certificates; None on a board that serves plain HTTP."""
    provider: k8s.Provider
    """Provider of the objects on this board."""
    api: ApiServer
    """The board's own Kubernetes API, as pods reach it."""
    dns_ip: pulumi.Output[str]
    """IPv4 address of the cluster's name server, inside the cluster."""
    cluster: pulumi.CustomResource
    """The cluster; objects that are only inside the cluster are removed with it."""
    rancher_cluster_id: pulumi.Output[str] | None
    """Rancher's id of the board, known once the board is active there; None for a board on its own."""

    def __init__(self, name: str, args: BoardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:Board", name, None, opts)
        kapsule = Kapsule(
            f"{name}-kapsule",
            KapsuleArgs(settings=args.settings, board=args.board, vpc_id=args.vpc_id),
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside = pulumi.ResourceOptions(parent=self, providers=[kapsule.provider], deleted_with=kapsule.cluster)
        self.api = KubernetesApi(f"{name}-api", opts=inside).server
        priority_class = PlatformPriorityClass(f"{name}-priority-class", opts=inside)
        cert_manager = CertManager(
            f"{name}-cert-manager",
            CertManagerArgs(
                settings=args.settings,
                name_server=args.name_server,
                key=args.key,
                priority_class=priority_class.name,
                api=self.api,
                charts=args.charts,
            ),
            opts=inside,
        )
        ingress = NginxIngress(
            f"{name}-ingress",
            NginxIngressArgs(
                settings=args.settings,
                board=args.board,
                cluster=kapsule.cluster,
                zone=args.zone,
                cluster_issuer=cert_manager.cluster_issuer,
                priority_class=priority_class.name,
                api=self.api,
                charts=args.charts,
            ),
            # Removed one by one: with the cluster alone, the load balancer would stay.
            opts=pulumi.ResourceOptions(parent=self, providers=[kapsule.provider]),
        )
        self.rancher_cluster_id = None
        if args.rancher:
            self.rancher_cluster_id = RancherImport(
                f"{name}-rancher",
                RancherImportArgs(
                    environment=args.settings.environment,
                    board=args.board,
                    rancher=args.rancher,
                    cluster=kapsule.cluster,
                    api=self.api,
                    removed_after=[cert_manager, ingress],
                ),
                opts=inside,
            ).cluster_id
        self.cluster_id = kapsule.cluster_id
        self.kubeconfig = kapsule.kubeconfig
        self.ingress_ip = ingress.ip
        self.ingress_class = ingress.ingress_class
        self.cluster_issuer = cert_manager.cluster_issuer
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

"""A board as a whole: cluster, nodes and the door to what runs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from board.cluster import Kapsule, KapsuleArgs, Pool
from board.ingress import IngressController, IngressControllerArgs
from common.helm import Charts


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
    charts: Charts


class Board(pulumi.ComponentResource):
    """A Kapsule cluster that exposes applications at one address."""

    cluster_id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """A secret."""
    ingress_ip: pulumi.Output[str]
    """Public IPv4 address of everything that the board exposes."""
    ingress_class: pulumi.Output[str]
    provider: k8s.Provider
    """What places objects on this board."""
    cluster: pulumi.CustomResource
    """The cluster; what is only inside it goes with it."""

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
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        ingress = IngressController(
            f"{name}-ingress",
            IngressControllerArgs(environment=args.environment, board=args.board, charts=args.charts),
            opts=pulumi.ResourceOptions(parent=self, providers=[kapsule.provider]),
        )
        self.cluster_id = kapsule.cluster_id
        self.kubeconfig = kapsule.kubeconfig
        self.ingress_ip = ingress.ip
        self.ingress_class = ingress.ingress_class
        self.provider = kapsule.provider
        self.cluster = kapsule.cluster
        self.register_outputs(
            {"cluster_id": self.cluster_id, "kubeconfig": self.kubeconfig, "ingress_ip": self.ingress_ip}
        )

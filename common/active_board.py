"""Outputs of the active board, for what runs on the board."""

from __future__ import annotations

from typing import Protocol

import pulumi

from common.kubernetes_api import ApiServer


class ActiveBoard(Protocol):
    """Outputs of the board that the game and observability run on (`board.Board`)."""

    @property
    def ingress_ip(self) -> pulumi.Output[str]:
        """Public IPv4 address of the ingress controller."""
        ...

    @property
    def ingress_class(self) -> pulumi.Output[str]: ...

    @property
    def cluster_issuer(self) -> pulumi.Output[str] | None:
        """cert-manager's default ClusterIssuer; None on a board that serves plain HTTP."""
        ...

    @property
    def api(self) -> ApiServer:
        """The board's own Kubernetes API, as pods reach it."""
        ...

    @property
    def dns_ip(self) -> pulumi.Output[str]:
        """IPv4 address of the cluster's name server, inside the cluster."""
        ...

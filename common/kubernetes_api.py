"""Addresses of a board's own Kubernetes API, as its pods reach it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """Where a cluster's API server answers to pods."""

    cidrs: pulumi.Input[Sequence[str]]
    """Each of its addresses as a network of one address."""
    ports: pulumi.Input[Sequence[int]]


class KubernetesApi(pulumi.ComponentResource):
    """The API server behind the Service `kubernetes`, for network policies.

    Pods call the Service's address, 10.32.0.1 at Kapsule. Cilium and Calico judge a connection once that address has
    been translated into an endpoint's, so that a policy which names the Service opens nothing. At Kapsule the endpoints
    are the control plane, which is outside the cluster and known once the cluster is.
    Sources: https://github.com/kubernetes-sigs/network-policy-api/pull/185 (of Cilium: translated first, judged then),
    https://kubernetes.io/docs/concepts/services-networking/network-policies/ (Kubernetes leaves the order open)

    Each preview and each update reads the object `Endpoints`, so that addresses which changed are in the policies after
    the next `make up`; until then the alert KubernetesApiUnreachable fires (docs/troubleshooting.md). Nobody but the
    API server writes the object, and it has one name everywhere, while an EndpointSlice may be called otherwise. Where
    the cluster is not there yet, addresses and ports are unknown in a preview.
    """

    server: ApiServer

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:common:KubernetesApi", name, None, opts)
        found = k8s.core.v1.Endpoints.get(
            f"{name}-endpoints", "default/kubernetes", opts=pulumi.ResourceOptions(parent=self)
        )
        self.server = ApiServer(cidrs=found.subsets.apply(cidrs_of), ports=found.subsets.apply(ports_of))
        self.register_outputs({"cidrs": self.server.cidrs, "ports": self.server.ports})


class NoApiServerError(pulumi.RunError):
    """The cluster says of no address that its API server is there, so that policies would shut everybody out."""

    def __init__(self) -> None:
        super().__init__(
            "The object Endpoints `kubernetes` in the namespace `default` of the board names no address of the API "
            "server. Look with 'kubectl --namespace default get endpoints kubernetes'; the control plane writes it "
            "within a minute of its start. Then run 'make up' again."
        )


def cidrs_of(subsets: Sequence[Any] | None) -> Sequence[str]:
    """The IPv4 addresses of Endpoints, each with /32, sorted. Raises NoApiServerError where there is none."""
    found = {address.ip for subset in subsets or () for address in subset.addresses or ()}
    if not found:
        raise NoApiServerError
    return [f"{address}/32" for address in sorted(found)]


def ports_of(subsets: Sequence[Any] | None) -> Sequence[int]:
    """The ports of Endpoints, sorted. Raises NoApiServerError where there is none."""
    found = {int(port.port) for subset in subsets or () for port in subset.ports or ()}
    if not found:
        raise NoApiServerError
    return sorted(found)

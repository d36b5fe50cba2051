"""What the pods of a board's own namespaces may talk to: nothing, but for the exceptions that have a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgsDict as Egress,
)
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyIngressRuleArgsDict as Ingress,
)
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyPeerArgsDict as Peer,
)
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyPortArgsDict as Port,
)

OBSERVABILITY: Final = "observability"
"""Namespace from which numbers are asked for."""
METADATA: Final = "169.254.0.0/16"
"""Where Scaleway's metadata service answers without a password."""
EVERYWHERE: Final = "0.0.0.0/0"
_NAMESPACE: Final = "kubernetes.io/metadata.name"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One exception, as an object of its own: who reads the cluster's policies sees what is open, and what for."""

    ingress: Sequence[Ingress] = ()
    egress: Sequence[Egress] = ()


_CLOSED: Final = Opening()


def fence(
    name: str, namespace: pulumi.Input[str], openings: Mapping[str, Opening], opts: pulumi.ResourceOptions
) -> None:
    """Close a namespace in both directions, and open what is named.

    name: prefix of the resources' names.
    openings: name of the NetworkPolicy to what it allows; policies add up.
    """
    for label, opening in {"closed": _CLOSED, **openings}.items():
        directions = [
            *(["Ingress"] if opening.ingress or opening is _CLOSED else []),
            *(["Egress"] if opening.egress or opening is _CLOSED else []),
        ]
        k8s.networking.v1.NetworkPolicy(
            f"{name}-{label}",
            metadata={"name": label, "namespace": namespace},
            spec={
                "pod_selector": {},
                "policy_types": directions,
                "ingress": list(opening.ingress),
                "egress": list(opening.egress),
            },
            opts=opts,
        )


def names() -> Opening:
    """The cluster's own name servers."""
    servers: Peer = {
        "namespace_selector": {"match_labels": {_NAMESPACE: "kube-system"}},
        "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
    }
    return Opening(egress=[{"to": [servers], "ports": ports(53, "UDP") + ports(53)}])


def web() -> Opening:
    """TLS to anywhere but the metadata service.

    The board's Kubernetes API is reached by it: a managed control plane has an address outside the cluster that the
    program does not know, and policies see it behind the Service `kubernetes`, whose port is 443.
    """
    return Opening(egress=[{"to": [anywhere()], "ports": ports(443) + ports(6443)}])


def numbers(port: int) -> Opening:
    """Prometheus, which asks for metrics at that port."""
    return Opening(ingress=[{"from_": [pods_of(OBSERVABILITY)], "ports": ports(port)}])


def pods_of(namespace: str) -> Peer:
    """Every pod of a namespace."""
    return {"namespace_selector": {"match_labels": {_NAMESPACE: namespace}}}


def every_pod() -> Peer:
    """Every pod of the cluster."""
    return {"namespace_selector": {}}


def network(cidr: pulumi.Input[str]) -> Peer:
    """An IPv4 network in CIDR notation."""
    return {"ip_block": {"cidr": cidr}}


def anywhere() -> Peer:
    """Every IPv4 address but the metadata service's."""
    return {"ip_block": {"cidr": EVERYWHERE, "except_": [METADATA]}}


def ports(number: int, protocol: str = "TCP") -> list[Port]:
    """One port of the pods (not of a Service before them)."""
    return [{"protocol": protocol, "port": number}]

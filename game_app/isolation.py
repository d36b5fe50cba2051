"""What keeps a namespace's pods to themselves: how much they may use, and whom they may talk to."""

from __future__ import annotations

from collections.abc import Sequence
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

PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
"""Every network that a board's pods, Services, nodes and API may lie in (RFC 1918 and RFC 6598)."""
LINK_LOCAL: Final = "169.254.0.0/16"
"""Where Scaleway's metadata service answers without a password (169.254.42.42), as other clouds' does."""


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How much a namespace's pods may use."""

    pods: int
    cpu: str
    """All pods together, in Kubernetes' notation."""
    memory: str
    """All pods together."""
    storage: str
    """Scratch space of all pods together."""
    container_cpu: str
    """A container that asks for nothing gets this much at most."""
    container_memory: str
    container_storage: str


def fenced(
    name: str,
    namespace: pulumi.Input[str],
    allowance: Allowance,
    *,
    egress: Sequence[Egress],
    ingress: Sequence[Ingress] = (),
    volumes: int = 0,
    opts: pulumi.ResourceOptions,
) -> None:
    """Fence a namespace: a quota, limits for containers that name none, and a network closed but for what is listed.

    name: prefix of the resources' names.
    volumes: how many volumes its pods may claim.
    egress, ingress: rules of a NetworkPolicy; what none of them allows is dropped in both directions.
    """
    k8s.core.v1.ResourceQuota(
        f"{name}-quota",
        metadata={"name": "allowance", "namespace": namespace},
        spec={
            "hard": {
                "pods": str(allowance.pods),
                "limits.cpu": allowance.cpu,
                "limits.memory": allowance.memory,
                "limits.ephemeral-storage": allowance.storage,
                "services.loadbalancers": "0",
                "services.nodeports": "0",
                "persistentvolumeclaims": str(volumes),
            }
        },
        opts=opts,
    )
    limits = {
        "cpu": allowance.container_cpu,
        "memory": allowance.container_memory,
        "ephemeral-storage": allowance.container_storage,
    }
    k8s.core.v1.LimitRange(
        f"{name}-limits",
        metadata={"name": "allowance", "namespace": namespace},
        spec={
            "limits": [
                {
                    "type": "Container",
                    "default": limits,
                    "default_request": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
                    "max": limits,
                }
            ]
        },
        opts=opts,
    )
    k8s.networking.v1.NetworkPolicy(
        f"{name}-network",
        metadata={"name": "closed", "namespace": namespace},
        spec={
            "pod_selector": {},
            "policy_types": ["Ingress", "Egress"],
            "ingress": list(ingress),
            "egress": list(egress),
        },
        opts=opts,
    )


def to_dns() -> Egress:
    """Egress to the cluster's own name servers."""
    return {
        "to": [
            {
                "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": "kube-system"}},
                "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
            }
        ],
        "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
    }


def to_pods(namespace: str, app: str, port: int) -> Egress:
    """Egress to one component's pods by their `app.kubernetes.io/name`."""
    return {"to": [_pods(namespace, app)], "ports": [{"protocol": "TCP", "port": port}]}


def from_pods(namespace: str, app: str, port: int) -> Ingress:
    """Ingress from one component's pods by their `app.kubernetes.io/name`."""
    return {"from_": [_pods(namespace, app)], "ports": [{"protocol": "TCP", "port": port}]}


def from_namespace(namespace: str) -> Ingress:
    """Ingress from every pod of a namespace."""
    return {"from_": [{"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": namespace}}}]}


def to_api(cidrs: Sequence[str]) -> Egress:
    """Egress to the cluster's own API, which answers in these networks."""
    return {
        "to": [{"ip_block": {"cidr": cidr}} for cidr in cidrs],
        "ports": [{"protocol": "TCP", "port": port} for port in (443, 6443)],
    }


def to_the_internet() -> Egress:
    """Egress over TLS to public addresses: no other pod, no node, no API server, no metadata service.

    IPv6 is not listed, and so it is closed, with Scaleway's fd00:42::42 among it.
    """
    return {
        "to": [{"ip_block": {"cidr": "0.0.0.0/0", "except_": [*PRIVATE, LINK_LOCAL]}}],
        "ports": [{"protocol": "TCP", "port": 443}],
    }


def among_themselves() -> Peer:
    """Every pod of the same namespace, for either direction's `to` or `from`."""
    return {"pod_selector": {}}


def _pods(namespace: str, app: str) -> Peer:
    return {
        "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": namespace}},
        "pod_selector": {"match_labels": {"app.kubernetes.io/name": app}},
    }

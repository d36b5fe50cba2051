"""Namespaces that are safe from the start: what their pods may use, whom they may talk to, and as whom.

A namespace is closed in both directions, but for exceptions that have a name; a container that asks for nothing gets
little; nobody gets a token for the Kubernetes API without asking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
INGRESS: Final = "ingress"
"""Namespace of the ingress controller."""
PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
"""Every network that a board's pods, Services, nodes and API may lie in (RFC 1918 and RFC 6598)."""
PODS: Final = "100.64.0.0/15"
"""Where a Kapsule cluster's pods have their addresses.

Source: https://www.scaleway.com/en/docs/kubernetes/reference-content/kubernetes-network-ranges/ (the default).
"""
METADATA: Final = "169.254.0.0/16"
"""Where Scaleway's metadata service answers without a password (169.254.42.42), as other clouds' does."""
EVERYWHERE: Final = "0.0.0.0/0"
_NAMESPACE: Final = "kubernetes.io/metadata.name"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One exception, as an object of its own: who reads the cluster's policies sees what is open, and what for."""

    ingress: Sequence[Ingress] = ()
    egress: Sequence[Egress] = ()
    pods: Mapping[str, str] | None = None
    """Labels of the pods that it is for; None for every pod of the namespace."""


_CLOSED: Final = Opening()
_LEAST: Final[Mapping[str, str]] = {"cpu": "1m", "memory": "4Mi", "ephemeral-storage": "1Mi"}
"""What a container asks for and may have at least: as little as the runner of builds deals out to a build's container.

Source: drone-runner-kube, engine/compiler/compiler.go
"""


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
    objects: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many objects of a kind it may hold, finished pods among them; kinds as in `deployments.apps`."""


def fence(
    name: str, namespace: pulumi.Input[str], openings: Mapping[str, Opening], opts: pulumi.ResourceOptions
) -> None:
    """Close a namespace in both directions, and open what is named; its pods get no token that they do not ask for.

    name: prefix of the resources' names.
    openings: name of the NetworkPolicy to what it allows; policies add up.
    """
    for label, opening in {"closed": _CLOSED, **openings}.items():
        directions = [
            *(["Ingress"] if opening.ingress or opening is _CLOSED else []),
            *(["Egress"] if opening.egress or opening is _CLOSED else []),
        ]
        policy(f"{name}-{label}", namespace, opening, opts, label=label, directions=directions)
    no_token(name, namespace, opts)


def policy(
    name: str,
    namespace: pulumi.Input[str],
    opening: Opening,
    opts: pulumi.ResourceOptions,
    *,
    label: str,
    directions: Sequence[str],
) -> None:
    """A NetworkPolicy for an opening's pods: what it does not list is dropped in these directions."""
    k8s.networking.v1.NetworkPolicy(
        name,
        metadata={"name": label, "namespace": namespace},
        spec={
            "pod_selector": {} if opening.pods is None else {"match_labels": dict(opening.pods)},
            "policy_types": list(directions),
            "ingress": list(opening.ingress),
            "egress": list(opening.egress),
        },
        opts=opts,
    )


def no_token(
    name: str,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    *,
    pull_secret: pulumi.Input[str] | None = None,
) -> None:
    """Give pods that name no ServiceAccount no token for the Kubernetes API: theirs is `default`, which is everybody's.

    pull_secret: name of the Secret with the login by which their images are pulled.

    Kubernetes makes that account by itself, soon after the namespace; whoever is first, the other only adds to it.
    """
    k8s.core.v1.ServiceAccountPatch(
        f"{name}-no-token",
        metadata={
            "name": "default",
            "namespace": namespace,
            "annotations": {"pulumi.com/patchForce": "true"},
        },
        automount_service_account_token=False,
        image_pull_secrets=None if pull_secret is None else [{"name": pull_secret}],
        opts=opts,
    )


def ration(
    name: str,
    namespace: pulumi.Input[str],
    allowance: Allowance,
    opts: pulumi.ResourceOptions,
    *,
    doors: int = 0,
    volumes: int = 0,
) -> None:
    """A quota for a namespace, and limits for containers that name none.

    doors: how many load balancers its Services may have, each of which is billed. volumes: how many its pods may claim.
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
                "services.loadbalancers": str(doors),
                # A load balancer's Service takes a port of the nodes for each of its own.
                "services.nodeports": str(2 * doors),
                "persistentvolumeclaims": str(volumes),
                **{f"count/{kind}": str(number) for kind, number in allowance.objects.items()},
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
                    # A limit of 0 is none, and counts for nothing in the quota.
                    "min": dict(_LEAST),
                }
            ]
        },
        opts=opts,
    )


def names() -> Opening:
    """The cluster's own name servers."""
    # By no label of theirs: who runs the cluster chooses what answers there.
    return Opening(egress=[{"to": [pods_of("kube-system")], "ports": ports(53, protocol="UDP") + ports(53)}])


def web() -> Opening:
    """TLS to anywhere but the metadata service.

    The board's Kubernetes API is reached by it: a managed control plane has an address outside the cluster that the
    program does not know, and policies see it behind the Service `kubernetes`, whose port is 443.
    """
    return Opening(egress=[{"to": [anywhere()], "ports": ports(443, 6443)}])


def webhooks(*doors: int) -> Opening:
    """The board's own API server, which asks webhooks at these ports of the pods.

    A managed control plane comes through a node or a pod of the provider's. The program knows neither, and Cilium
    finds nodes in no network of addresses: only a rule without a source lets them in.
    Source: https://docs.cilium.io/en/stable/security/policy/language/#cidr-based
    """
    return Opening(ingress=[{"ports": ports(*doors)}])


def players(*doors: int) -> Opening:
    """Whoever comes from outside the cluster, at these ports of the pods.

    No pod: what it says of the address that it speaks for would be believed.
    """
    outside: Peer = {"ip_block": {"cidr": EVERYWHERE, "except_": [METADATA, PODS]}}
    return Opening(ingress=[{"from_": [outside], "ports": ports(*doors)}])


def numbers(port: int) -> Opening:
    """The observability of the game, whose Prometheus asks for metrics at that port of the pods."""
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


def ports(*numbers: int, protocol: str = "TCP") -> list[Port]:
    """Ports of the pods (not of a Service before them)."""
    return [{"protocol": protocol, "port": number} for number in numbers]

"""NetworkPolicies: one that denies everything, and one for each thing that is allowed, named for what it allows."""

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

from common.kubernetes_api import ApiServer
from common.naming import INGRESS_NAMESPACE, OBSERVABILITY_NAMESPACE
from common.settings import EVERYWHERE

DEFAULT_DENY: Final = "default-deny"
PRIVATE_NETWORKS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
"""Every network that a board's pods, Services, nodes and API may lie in (RFC 1918 and RFC 6598)."""
POD_NETWORK: Final = "100.64.0.0/15"
"""Addresses of a Kapsule cluster's pods.

Source: https://www.scaleway.com/en/docs/kubernetes/reference-content/kubernetes-network-ranges/ (the default).
"""
METADATA_NETWORK: Final = "169.254.0.0/16"
"""Network of Scaleway's metadata service, which asks for no password (169.254.42.42), and of other clouds'."""
_NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"


@dataclass(frozen=True, kw_only=True)
class NetworkRule:
    """NetworkPolicy that allows one thing; the policies of a namespace add up."""

    name: str
    """Name of the NetworkPolicy: what is allowed."""
    ingress: Sequence[Ingress] = ()
    egress: Sequence[Egress] = ()
    pods: Mapping[str, str] | None = None
    """Labels of the pods that the rule is for; None for every pod of the namespace."""

    def __post_init__(self) -> None:
        if [] in [*(rule.get("from_") for rule in self.ingress), *(rule.get("to") for rule in self.egress)]:
            # Kubernetes takes an empty list of peers for all of them.
            raise ValueError(f"The network rule {self.name!r} lists no peer, which would allow every one.")


def network_policies(
    name: str, namespace: pulumi.Input[str], rules: Sequence[NetworkRule], opts: pulumi.ResourceOptions
) -> Sequence[k8s.networking.v1.NetworkPolicy]:
    """NetworkPolicies of a namespace: `default-deny` in both directions, and one for each rule.

    name: prefix of the resources' names.
    """
    made = [_policy(name, namespace, NetworkRule(name=DEFAULT_DENY), ["Ingress", "Egress"], opts)]
    for rule in rules:
        directions = [*(["Ingress"] if rule.ingress else []), *(["Egress"] if rule.egress else [])]
        made.append(_policy(name, namespace, rule, directions, opts))
    return made


def _policy(
    name: str,
    namespace: pulumi.Input[str],
    rule: NetworkRule,
    directions: Sequence[str],
    opts: pulumi.ResourceOptions,
) -> k8s.networking.v1.NetworkPolicy:
    return k8s.networking.v1.NetworkPolicy(
        f"{name}-{rule.name}",
        metadata={"name": rule.name, "namespace": namespace},
        spec={
            "pod_selector": {} if rule.pods is None else {"match_labels": dict(rule.pods)},
            "policy_types": list(directions),
            "ingress": list(rule.ingress),
            "egress": list(rule.egress),
        },
        opts=opts,
    )


def allow_egress(name: str, peer: Peer, *numbers: int, pods: Mapping[str, str] | None = None) -> NetworkRule:
    """Egress to a peer, at these TCP ports of its pods or at all.

    name: the policy's. pods: labels of the pods that may; None for every pod of the namespace.
    """
    rule: Egress = {"to": [peer]}
    return NetworkRule(name=name, egress=[{**rule, "ports": ports(*numbers)} if numbers else rule], pods=pods)


def allow_ingress(name: str, peer: Peer, *numbers: int, pods: Mapping[str, str] | None = None) -> NetworkRule:
    """Ingress from a peer, to these TCP ports of the pods or to all.

    name: the policy's. pods: labels of the pods that are reached; None for every pod of the namespace.
    """
    rule: Ingress = {"from_": [peer]}
    return NetworkRule(name=name, ingress=[{**rule, "ports": ports(*numbers)} if numbers else rule], pods=pods)


def allow_dns_egress() -> NetworkRule:
    """Egress to the cluster's own name servers."""
    # By no label of theirs: who runs the cluster chooses what answers there.
    dns: Egress = {"to": [pods_of("kube-system")], "ports": ports(53, protocol="UDP") + ports(53)}
    return NetworkRule(name="allow-dns", egress=[dns])


def allow_same_namespace() -> NetworkRule:
    """Ingress and egress between the namespace's own pods."""
    return NetworkRule(
        name="allow-same-namespace", ingress=[{"from_": [same_namespace()]}], egress=[{"to": [same_namespace()]}]
    )


def allow_kubernetes_api_egress(api: ApiServer) -> NetworkRule:
    """Egress to the cluster's own API server, at the addresses that its Service leads to."""
    return NetworkRule(
        name="allow-kubernetes-api",
        egress=[
            {
                "to": pulumi.Output.from_input(api.cidrs).apply(lambda known: [network(cidr) for cidr in known]),
                "ports": pulumi.Output.from_input(api.ports).apply(lambda known: ports(*known)),
            }
        ],
    )


def allow_https_egress() -> NetworkRule:
    """Egress over TLS to every IPv4 address but the metadata service's, pods and nodes among them."""
    return allow_egress("allow-https-anywhere", anywhere(), 443)


def allow_internet_egress(api: ApiServer) -> NetworkRule:
    """Egress over TLS to public addresses: no other pod, no node, no API server, no metadata service.

    api: the cluster's own, whose addresses are public at Kapsule.

    IPv6 is not listed, and so it is closed, with Scaleway's fd00:42::42 among it.
    """
    denied = pulumi.Output.from_input(api.cidrs).apply(lambda known: [*PRIVATE_NETWORKS, METADATA_NETWORK, *known])
    return NetworkRule(
        name="allow-https-internet",
        egress=[{"to": [{"ip_block": {"cidr": EVERYWHERE, "except_": denied}}], "ports": ports(443)}],
    )


def allow_apiserver_ingress(*numbers: int) -> NetworkRule:
    """Ingress from the cluster's own API server, which calls webhooks at these ports of the pods.

    A managed control plane comes through a node or a pod of the provider's. The program knows neither, and Cilium
    finds nodes in no network of addresses: only a rule without a source lets them in.
    Source: https://docs.cilium.io/en/stable/security/policy/language/#cidr-based
    """
    return NetworkRule(name="allow-apiserver-ingress", ingress=[{"ports": ports(*numbers)}])


def allow_public_ingress(*numbers: int) -> NetworkRule:
    """Ingress from outside the cluster to these ports of the pods.

    No pod is let in: what a pod said of the address that it speaks for would be believed.
    """
    outside: Peer = {"ip_block": {"cidr": EVERYWHERE, "except_": [METADATA_NETWORK, POD_NETWORK]}}
    return allow_ingress("allow-public-ingress", outside, *numbers)


def allow_ingress_controller() -> NetworkRule:
    """Ingress from the board's ingress controller."""
    return allow_ingress("allow-ingress-controller", pods_of(INGRESS_NAMESPACE))


def allow_metrics_scrape(*numbers: int) -> NetworkRule:
    """NetworkPolicy that lets Prometheus scrape metrics at these ports of the pods, or at all."""
    return allow_ingress("allow-prometheus-scrape", pods_of(OBSERVABILITY_NAMESPACE), *numbers)


def pods_of(namespace: str, app: str | None = None, component: str | None = None) -> Peer:
    """Pods of a namespace: every one, or those with the labels `app.kubernetes.io/name` and `…/component`."""
    wanted = {"app.kubernetes.io/name": app, "app.kubernetes.io/component": component}
    labels = {key: value for key, value in wanted.items() if value is not None}
    peer: Peer = {"namespace_selector": {"match_labels": {_NAMESPACE_LABEL: namespace}}}
    return {**peer, "pod_selector": {"match_labels": labels}} if labels else peer


def pods_of_namespaces(key: str, value: str) -> Peer:
    """Every pod of the namespaces with a label."""
    return {"namespace_selector": {"match_labels": {key: value}}}


def same_namespace(labels: Mapping[str, str] | None = None) -> Peer:
    """Pods of the namespace that the policy is in: every one, or those with the labels."""
    return {"pod_selector": {} if labels is None else {"match_labels": dict(labels)}}


def every_pod() -> Peer:
    """Every pod of the cluster."""
    return {"namespace_selector": {}}


def network(cidr: pulumi.Input[str]) -> Peer:
    """IPv4 network in CIDR notation."""
    return {"ip_block": {"cidr": cidr}}


def anywhere() -> Peer:
    """Every IPv4 address but the metadata service's."""
    return {"ip_block": {"cidr": EVERYWHERE, "except_": [METADATA_NETWORK]}}


def ports(*numbers: int, protocol: str = "TCP") -> list[Port]:
    """Ports of the pods (not of a Service before them)."""
    return [{"protocol": protocol, "port": number} for number in numbers]

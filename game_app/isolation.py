"""What keeps a namespace's pods to themselves: how much they may use, and whom they may talk to."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from common.fences import (
    EVERYWHERE,
    METADATA,
    PRIVATE,
    Allowance,
    Egress,
    Ingress,
    Opening,
    Peer,
    network,
    no_token,
    pods_of,
    policy,
    ports,
    ration,
)
from common.fences import names as name_servers
from game_app.kubernetes_api import ApiServer

__all__ = [
    "Allowance",
    "Egress",
    "among_themselves",
    "fenced",
    "from_labelled",
    "from_namespace",
    "from_pods",
    "to_api",
    "to_dns",
    "to_networks",
    "to_pods",
    "to_the_internet",
]


def fenced(
    name: str,
    namespace: pulumi.Input[str],
    allowance: Allowance,
    *,
    egress: Sequence[Egress],
    ingress: Sequence[Ingress] = (),
    volumes: int = 0,
    pull_secret: pulumi.Input[str] | None = None,
    opts: pulumi.ResourceOptions,
) -> None:
    """Fence a namespace: a quota, limits for containers that name none, and a network closed but for what is listed.

    name: prefix of the resources' names.
    volumes: how many volumes its pods may claim.
    pull_secret: name of the Secret with the login by which its pods' images are pulled.
    egress, ingress: rules of a NetworkPolicy; what none of them allows is dropped in both directions.
    """
    ration(name, namespace, allowance, opts, volumes=volumes)
    allowed = Opening(ingress=ingress, egress=egress)
    policy(f"{name}-network", namespace, allowed, opts, label="closed", directions=("Ingress", "Egress"))
    no_token(name, namespace, opts, pull_secret=pull_secret)


def to_dns() -> Egress:
    """Egress to the cluster's own name servers."""
    [servers] = name_servers().egress
    return servers


def to_pods(namespace: str, app: str, port: int) -> Egress:
    """Egress to one component's pods by their `app.kubernetes.io/name`."""
    return {"to": [_pods(namespace, app)], "ports": ports(port)}


def from_pods(namespace: str, app: str, port: int) -> Ingress:
    """Ingress from one component's pods by their `app.kubernetes.io/name`."""
    return {"from_": [_pods(namespace, app)], "ports": ports(port)}


def from_namespace(namespace: str, port: int | None = None) -> Ingress:
    """Ingress from every pod of a namespace, to one port or to all."""
    rule: Ingress = {"from_": [pods_of(namespace)]}
    return rule if port is None else {**rule, "ports": ports(port)}


def from_labelled(key: str, value: str, port: int) -> Ingress:
    """Ingress from every pod of the namespaces with a label."""
    return {
        "from_": [{"namespace_selector": {"match_labels": {key: value}}}],
        "ports": ports(port),
    }


def to_api(api: ApiServer) -> Egress:
    """Egress to the cluster's own API."""
    return {
        "to": pulumi.Output.from_input(api.cidrs).apply(lambda known: [network(cidr) for cidr in known]),
        "ports": pulumi.Output.from_input(api.ports).apply(lambda known: ports(*known)),
    }


def to_networks(cidrs: Sequence[str]) -> Egress:
    """Egress over TLS to a few networks outside the board."""
    return {"to": [{"ip_block": {"cidr": cidr}} for cidr in cidrs], "ports": ports(443)}


def to_the_internet(api: ApiServer) -> Egress:
    """Egress over TLS to public addresses: no other pod, no node, no API server, no metadata service.

    api: the cluster's own, whose addresses are public at Kapsule.

    IPv6 is not listed, and so it is closed, with Scaleway's fd00:42::42 among it.
    """
    closed = pulumi.Output.from_input(api.cidrs).apply(lambda known: [*PRIVATE, METADATA, *known])
    return {
        "to": [{"ip_block": {"cidr": EVERYWHERE, "except_": closed}}],
        "ports": ports(443),
    }


def among_themselves() -> Peer:
    """Every pod of the same namespace, for either direction's `to` or `from`."""
    return {"pod_selector": {}}


def _pods(namespace: str, app: str) -> Peer:
    return {
        **pods_of(namespace),
        "pod_selector": {"match_labels": {"app.kubernetes.io/name": app}},
    }

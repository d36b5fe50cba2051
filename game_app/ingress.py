"""Ingress of a component, with its certificate: how people reach the component from outside the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.certificates import certificate
from common.naming import labels
from common.outputs import known_after

BLACKHOLE: Final = "blackhole"
"""Service without pods: backend of the paths that nobody may request from outside."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Public address of a component."""

    host: pulumi.Input[str]
    """Full name."""
    ingress_class: pulumi.Input[str]
    cluster_issuer: pulumi.Input[str] | None
    """cert-manager's ClusterIssuer of the certificate; None where the board has none, for plain HTTP."""

    @property
    def scheme(self) -> str:
        return "http" if self.cluster_issuer is None else "https"

    @property
    def url(self) -> pulumi.Output[str]:
        """URL without a slash at the end."""
        return pulumi.Output.concat(self.scheme, "://", self.host)


def expose(
    name: str,
    app: str,
    namespace: pulumi.Input[str],
    service: pulumi.Input[str],
    endpoint: Endpoint,
    *,
    blocked_prefixes: Sequence[str] = (),
    blocked_paths: Sequence[str] = (),
    body_mib: int | None = None,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """An Ingress to a Service, with a certificate of its own where there is an issuer; gives the endpoint's URL.

    The URL is known once the ingress controller has an address for the Ingress and the certificate is signed.

    name: prefix of the resources' names.
    blocked_prefixes: paths that lead to the blackhole Service, with all paths below them. blocked_paths: single paths
    that do.
    body_mib: MiB that a request's body may have; None: the limit of the board's ingress controller.
    """
    networking = k8s.networking.v1

    def path(called: str, backend: pulumi.Input[str], kind: str = "Prefix") -> k8s.networking.v1.HTTPIngressPathArgs:
        port = networking.ServiceBackendPortArgs(name="main")
        leads_to = networking.IngressBackendArgs(service=networking.IngressServiceBackendArgs(name=backend, port=port))
        return networking.HTTPIngressPathArgs(path=called, path_type=kind, backend=leads_to)

    paths = [path("/", service)]
    if blocked_prefixes or blocked_paths:
        blackhole = blackhole_service(name, namespace, opts)
        # F5's controller takes Prefix for the beginning of a word, too: /hook would block /hook-club/app.
        paths += [path(f"{prefix}/", blackhole) for prefix in blocked_prefixes]
        paths += [path(exact, blackhole, "Exact") for exact in (*blocked_prefixes, *blocked_paths)]
    tls: list[k8s.networking.v1.IngressTLSArgs] = []
    signed: list[pulumi.Output[str]] = []
    if endpoint.cluster_issuer is not None:
        secret = f"{app}-tls"
        own = certificate(
            f"{name}-certificate",
            secret_name=secret,
            host=endpoint.host,
            issuer=endpoint.cluster_issuer,
            namespace=namespace,
            opts=opts,
        )
        tls, signed = [networking.IngressTLSArgs(secret_name=secret, hosts=[endpoint.host])], [own.id]
    ingress = networking.Ingress(
        f"{name}-ingress",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=app,
            namespace=namespace,
            labels=dict(labels(app)),
            annotations={"nginx.org/client-max-body-size": f"{body_mib}m"} if body_mib else None,
        ),
        spec=networking.IngressSpecArgs(
            ingress_class_name=endpoint.ingress_class,
            rules=[
                networking.IngressRuleArgs(host=endpoint.host, http=networking.HTTPIngressRuleValueArgs(paths=paths)),
            ],
            tls=tls or None,
        ),
        opts=opts,
    )
    return known_after(endpoint.url, ingress.id, *signed)


def blackhole_service(name: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Name of a Service without a selector, which no pod will ever answer."""
    made = k8s.core.v1.Service(
        f"{name}-blackhole",
        metadata={
            "name": BLACKHOLE,
            "namespace": namespace,
            # Pulumi would wait for endpoints, which never come.
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        spec=k8s.core.v1.ServiceSpecArgs(ports=[k8s.core.v1.ServicePortArgs(name="main", port=80)]),
        opts=opts,
    )
    return made.metadata.name

"""How people reach a component from outside the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.certificates import certificate
from common.naming import labels

CLOSED: Final = "closed"
"""A Service without pods, for the paths that nobody may ask for from outside."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where a component is found."""

    host: pulumi.Input[str]
    """Its full name."""
    ingress_class: pulumi.Input[str]
    cluster_issuer: pulumi.Input[str] | None
    """cert-manager's issuer of its certificate; None where the board has none, and it answers in plain HTTP."""

    @property
    def scheme(self) -> str:
        return "http" if self.cluster_issuer is None else "https"

    @property
    def url(self) -> pulumi.Output[str]:
        """Its address, without a slash at the end."""
        return pulumi.Output.concat(self.scheme, "://", self.host)


def exposed(
    name: str,
    app: str,
    namespace: pulumi.Input[str],
    service: pulumi.Input[str],
    door: Door,
    *,
    closed: Sequence[str] = (),
    closed_alone: Sequence[str] = (),
    body_mb: int | None = None,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """An Ingress to a component's Service, with a certificate of its own where there is an issuer; the door's URL.

    The URL is known once the ingress controller has an address for it and its certificate is signed.

    name: prefix of the resources' names.
    closed: paths, with all below them, that lead nowhere. closed_alone: paths that do, without those below them.
    body_mb: MiB that a request's body may have; by default what the board's ingress allows everybody.
    """
    networking = k8s.networking.v1

    def path(called: str, to: pulumi.Input[str], kind: str = "Prefix") -> k8s.networking.v1.HTTPIngressPathArgs:
        port = networking.ServiceBackendPortArgs(name="main")
        backend = networking.IngressBackendArgs(service=networking.IngressServiceBackendArgs(name=to, port=port))
        return networking.HTTPIngressPathArgs(path=called, path_type=kind, backend=backend)

    paths = [path("/", service)]
    if closed or closed_alone:
        nowhere = _nowhere(name, namespace, opts)
        paths += [path(prefix, nowhere) for prefix in closed]
        paths += [path(alone, nowhere, "Exact") for alone in closed_alone]
    tls: list[k8s.networking.v1.IngressTLSArgs] = []
    signed: list[pulumi.Output[str]] = []
    if door.cluster_issuer is not None:
        secret = f"{app}-tls"
        own = certificate(
            f"{name}-certificate",
            called=secret,
            host=door.host,
            issuer=door.cluster_issuer,
            namespace=namespace,
            opts=opts,
        )
        tls, signed = [networking.IngressTLSArgs(secret_name=secret, hosts=[door.host])], [own.id]
    way = networking.Ingress(
        f"{name}-ingress",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=app,
            namespace=namespace,
            labels=dict(labels(app)),
            annotations={"nginx.org/client-max-body-size": f"{body_mb}m"} if body_mb else None,
        ),
        spec=networking.IngressSpecArgs(
            ingress_class_name=door.ingress_class,
            rules=[
                networking.IngressRuleArgs(host=door.host, http=networking.HTTPIngressRuleValueArgs(paths=paths)),
            ],
            tls=tls or None,
        ),
        opts=opts,
    )
    return pulumi.Output.all(door.url, way.id, *signed).apply(lambda known: str(known[0]))


def _nowhere(name: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    made = k8s.core.v1.Service(
        f"{name}-closed",
        metadata={
            "name": CLOSED,
            "namespace": namespace,
            # Nothing will ever stand behind it, so that there is nothing to wait for.
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        spec=k8s.core.v1.ServiceSpecArgs(ports=[k8s.core.v1.ServicePortArgs(name="main", port=80)]),
        opts=opts,
    )
    return made.metadata.name

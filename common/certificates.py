"""A certificate that cert-manager gets for a board, and the wait until it is signed."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_kubernetes as k8s

API: Final = "cert-manager.io/v1"
_SIGNED_WITHIN: Final = "10m"
"""How long an authority may take: a DNS challenge takes a minute or two, and cert-manager tries again after a slip."""


def certificate(
    name: str,
    *,
    called: str,
    host: pulumi.Input[str],
    issuer: pulumi.Input[str],
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> k8s.apiextensions.CustomResource:
    """A certificate of one name, made once it is signed; an update that waits longer than ten minutes fails.

    called: its name, and that of the Secret that gets it. host: a full name, or a wildcard such as
    *.blue.hunt.example.org: what is below that never shows in the logs of certificates. issuer: a ClusterIssuer.

    The Secret is there long before: cert-manager puts a certificate of its own making into it at once, and the
    authority's in its place. F5's controller does not start without the Secret of its default certificate, and ends
    every handshake for an Ingress whose Secret is not there. Whatever shows the name to people depends on the
    certificate; whatever only serves it need not.
    """
    return k8s.apiextensions.CustomResource(
        name,
        api_version=API,
        kind="Certificate",
        metadata={
            "name": called,
            "namespace": namespace,
            "annotations": {
                "cert-manager.io/issue-temporary-certificate": "true",
                "pulumi.com/waitFor": "condition=Ready",
            },
        },
        spec={
            "secretName": called,
            "dnsNames": [host],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": issuer},
        },
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=_SIGNED_WITHIN, update=_SIGNED_WITHIN)),
        ),
    )

"""cert-manager's Certificate for a name on a board, and the wait until the ACME server has signed."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_kubernetes as k8s

API: Final = "cert-manager.io/v1"
_TIMEOUT: Final = "10m"
"""Time for the signature: a DNS-01 challenge takes a minute or two, and cert-manager repeats one that failed."""


def certificate(
    name: str,
    *,
    secret_name: str,
    host: pulumi.Input[str],
    issuer: pulumi.Input[str],
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> k8s.apiextensions.CustomResource:
    """Certificate of one name, created once signed; an update that waits longer than ten minutes fails.

    secret_name: name of the Certificate and of its Secret. host: full DNS name, or a wildcard such as
    *.blue.hunt.example.org, whose names never appear in the logs of certificates. issuer: a ClusterIssuer.

    The Secret is there long before: cert-manager writes a temporary certificate at once, and the signed one later. F5's
    controller does not start without the Secret of its default certificate, and ends every handshake for an Ingress
    without its Secret. Whatever shows the name to people depends on the Certificate; whatever only serves does not.
    """
    return k8s.apiextensions.CustomResource(
        name,
        api_version=API,
        kind="Certificate",
        metadata={
            "name": secret_name,
            "namespace": namespace,
            "annotations": {
                "cert-manager.io/issue-temporary-certificate": "true",
                "pulumi.com/waitFor": "condition=Ready",
            },
        },
        spec={
            "secretName": secret_name,
            "dnsNames": [host],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": issuer},
        },
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=_TIMEOUT, update=_TIMEOUT)),
        ),
    )

"""Namespace of the game's own components, which serve players and may connect to public addresses."""

from __future__ import annotations

from typing import Final

import pulumi

from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    allow_dns_egress,
    allow_ingress_controller,
    allow_internet_egress,
    allow_metrics_scrape,
    allow_same_namespace,
)
from game_app.cluster_addresses import COMPONENTS_NAMESPACE
from game_app.delivery.image_registry import ImageRegistry

_QUOTA: Final = Quota(
    pods=30,
    cpu="32",
    memory="32Gi",
    storage="32Gi",
    container_cpu="2",
    container_memory="2Gi",
    container_storage="2Gi",
    volume_claims=10,
)
"""Of all components together. A ResourceQuota counts limits, which reserve nothing on a node."""


def component_namespace(
    name: str, api: ApiServer, registry: ImageRegistry | None, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Name of the namespace, once it is made.

    name: prefix of the resources' names. registry: registry of the components' images; None without delivery.
    """
    return SecureNamespace(
        f"{name}-namespace",
        SecureNamespaceArgs(
            name=COMPONENTS_NAMESPACE,
            app=COMPONENTS_NAMESPACE,
            quota=_QUOTA,
            network_rules=[
                allow_dns_egress(),
                allow_same_namespace(),
                allow_internet_egress(api),
                allow_ingress_controller(),
                allow_metrics_scrape(),
            ],
            registry_login=registry.config if registry else None,
        ),
        opts=opts,
    ).name

"""Namespace of the game's own components, which serve players and may call the Internet."""

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
from game_app.delivery.component import COMPONENTS
from game_app.delivery.registry import ImageRegistry

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
"""Of all components together. A quota counts limits, of which nothing is kept free."""


def component_namespace(
    name: str, api: ApiServer, registry: ImageRegistry | None, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Name of the namespace.

    name: prefix of the resources' names. registry: where the components' images are pulled from; None without any.
    """
    return SecureNamespace(
        f"{name}-namespace",
        SecureNamespaceArgs(
            name=COMPONENTS,
            app=COMPONENTS,
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

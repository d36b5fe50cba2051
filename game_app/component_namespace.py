"""Namespace of the game's own components, which serve players and may ask the world for things."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.fences import INGRESS, OBSERVABILITY
from common.naming import restricted_namespace
from game_app.delivery.component import COMPONENTS
from game_app.delivery.registry import ImageRegistry
from game_app.isolation import Allowance, among_themselves, fenced, from_namespace, to_dns, to_the_internet
from game_app.kubernetes_api import ApiServer

_ALLOWANCE: Final = Allowance(
    pods=30,
    cpu="32",
    memory="32Gi",
    storage="32Gi",
    container_cpu="2",
    container_memory="2Gi",
    container_storage="2Gi",
)
"""Of all components together. A quota counts limits, of which nothing is kept free."""
_VOLUMES: Final = 10


def component_namespace(
    name: str, api: ApiServer, registry: ImageRegistry | None, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The namespace's name.

    name: prefix of the resources' names. registry: where the components' images are pulled from; None without any.
    """
    namespace = k8s.core.v1.Namespace(
        f"{name}-namespace",
        metadata={"name": COMPONENTS, "labels": dict(restricted_namespace(COMPONENTS))},
        opts=opts,
    ).metadata.name
    fenced(
        name,
        namespace,
        _ALLOWANCE,
        egress=[to_dns(), {"to": [among_themselves()]}, to_the_internet(api)],
        ingress=[
            {"from_": [among_themselves()]},
            from_namespace(INGRESS),
            from_namespace(OBSERVABILITY),
        ],
        volumes=_VOLUMES,
        pull_secret=_pull_secret(name, namespace, registry, opts) if registry else None,
        opts=opts,
    )
    return namespace


def _pull_secret(
    name: str, namespace: pulumi.Output[str], registry: ImageRegistry, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The login with which the board's nodes pull the components' images, which are nobody else's to see."""
    return k8s.core.v1.Secret(
        f"{name}-registry",
        metadata={"name": "registry", "namespace": namespace},
        type="kubernetes.io/dockerconfigjson",
        string_data={".dockerconfigjson": pulumi.Output.secret(registry.config)},
        opts=opts,
    ).metadata.name

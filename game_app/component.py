"""The game's own components in their namespace."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from common.naming import restricted_namespace
from game_app.portal import Portal, PortalArgs


@dataclass(frozen=True, kw_only=True)
class GameAppArgs:
    """What the game needs of the rest."""

    host: pulumi.Input[str]
    """Full name at which players find the game."""
    ingress_class: pulumi.Input[str]
    portal_image: pulumi.Input[str]
    portal_replicas: pulumi.Input[int]


class GameApp(pulumi.ComponentResource):
    """The game: for now its portal, the page at which every hunt starts."""

    url: pulumi.Output[str]
    """Where players start."""

    def __init__(self, name: str, args: GameAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:GameApp", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace", metadata={"name": "game", "labels": dict(restricted_namespace("game"))}, opts=child
        )
        portal = Portal(
            f"{name}-portal",
            PortalArgs(
                namespace=namespace.metadata.name,
                host=args.host,
                ingress_class=args.ingress_class,
                image=args.portal_image,
                replicas=args.portal_replicas,
            ),
            opts=child,
        )
        self.url = portal.url
        self.register_outputs({"url": self.url})

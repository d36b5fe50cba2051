"""PriorityClass for ingress and certificates, without which nothing else on a board is reached."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.outputs import known_after

NAME: Final = "platform"
VALUE: Final = 100_000
"""Above the 0 of pods that name no class, far below Kubernetes' own from 2 000 000 000 on."""


class PlatformPriorityClass(pulumi.ComponentResource):
    """PriorityClass `platform`: on full nodes, ingress and certificates stay and what players run goes."""

    name: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:PlatformPriorityClass", name, None, opts)
        made = k8s.scheduling.v1.PriorityClass(
            f"{name}-{NAME}",
            metadata={"name": NAME},
            value=VALUE,
            description="Ingress controller and cert-manager: without them nothing else is reached.",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = known_after(NAME, made.id)
        self.register_outputs({"name": self.name})

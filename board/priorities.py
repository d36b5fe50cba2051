"""Who stays when a board's nodes are full."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_kubernetes as k8s

PLATFORM: Final = "platform"
"""Priority class of what everything else on a board is reached by."""
VALUE: Final = 100_000
"""Above the 0 of pods that name no class, far below Kubernetes' own from 2 000 000 000 on."""


class Priorities(pulumi.ComponentResource):
    """The board's priority classes: the door and its certificates before what players run."""

    platform: pulumi.Output[str]
    """Name of the class of the door and its certificates."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:Priorities", name, None, opts)
        made = k8s.scheduling.v1.PriorityClass(
            f"{name}-{PLATFORM}",
            metadata={"name": PLATFORM},
            value=VALUE,
            description="The door of the board and its certificates: without them nothing else is reached.",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.platform = made.id.apply(lambda _: PLATFORM)
        self.register_outputs({"platform": self.platform})

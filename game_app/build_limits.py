"""Limits of one build in CPU, memory, scratch space and time, and the ResourceQuota of a namespace of builds."""

from __future__ import annotations

from typing import Final

from common.namespaces import Quota

CONTAINER_CORES: Final = 1
CONTAINER_MEMORY_GIB: Final = 1
CONTAINER_SCRATCH_GIB: Final = 2
"""Scratch space (`ephemeral-storage`). These three are the most that one container of a build may use."""
PODS_AT_ONCE: Final = 4
"""Pods of builds in one namespace: that of the running build, and those of earlier builds that are still ending.

Each change of a pull request ends the build of the change before it, whose pod takes half a minute to go.
"""

ROLLOUT_TIMEOUT_MINUTES: Final = 5
"""Minutes that a component's pods may take to be ready, and as many again for the rollback to the previous release."""
DEPLOY_DEADLINE_MINUTES: Final = 18
"""Minutes after which a component's build no longer deploys: a later deployment would have no time to roll back."""
TERMINATION_MINUTES: Final = 2
"""Minutes that a build may take to end."""
COMPONENT_BUILD_TIMEOUT_MINUTES: Final = DEPLOY_DEADLINE_MINUTES + 2 * ROLLOUT_TIMEOUT_MINUTES + TERMINATION_MINUTES
"""Minutes that Drone lets a component's build run."""
TEAM_BUILD_TIMEOUT_MINUTES: Final = 10
"""Minutes that Drone lets a team's build run."""
LONGEST_BUILD_TIMEOUT_MINUTES: Final = max(COMPONENT_BUILD_TIMEOUT_MINUTES, TEAM_BUILD_TIMEOUT_MINUTES)


def build_quota(containers: int) -> Quota:
    """ResourceQuota and LimitRange of a namespace for builds whose pods have so many containers.

    All containers of a build exist from its beginning to its end, each with the limits that the runner sets: a
    ResourceQuota counts the sum of them.
    Source: drone-runner-kube, engine/compiler/compiler.go
    """
    most = PODS_AT_ONCE * containers
    return Quota(
        pods=PODS_AT_ONCE,
        cpu=str(most * CONTAINER_CORES),
        memory=f"{most * CONTAINER_MEMORY_GIB}Gi",
        storage=f"{most * CONTAINER_SCRATCH_GIB}Gi",
        container_cpu=str(CONTAINER_CORES),
        container_memory=f"{CONTAINER_MEMORY_GIB}Gi",
        container_storage=f"{CONTAINER_SCRATCH_GIB}Gi",
    )

"""What one build may take, of a node and of the time: said once for all the parts that have to agree on it."""

from __future__ import annotations

from typing import Final

from common.namespaces import Quota

CORES: Final = 1
MEMORY: Final = 1
"""GiB."""
STORAGE: Final = 2
"""GiB of scratch space. These three are the most that one container of a build may use."""
AT_ONCE: Final = 4
"""Builds in one namespace: the one that runs, and those before it whose pods may still be ending.

Each change of a pull request ends the build of the change before it, and its pod takes half a minute to go."""

READY: Final = 5
"""Minutes that a component's pods may take to be ready, and as many again to go back to the release before."""
BEFORE: Final = 18
"""Minutes in which a component's build must have come to its deployment; a later one would have no time to go back."""
ENDING: Final = 2
"""Minutes that a build may take to end."""
COMPONENT: Final = BEFORE + 2 * READY + ENDING
"""Minutes that Drone lets a build of a component run."""
TEAM: Final = 10
"""Minutes that Drone lets a build of a team's run."""
LONGEST: Final = max(COMPONENT, TEAM)


def quota(containers: int) -> Quota:
    """Quota of a namespace for builds that are pods of so many containers.

    All of a build's containers are there from its beginning to its end, and the runner sets the limits of each: what
    the quota counts is their sum.
    Source: drone-runner-kube, engine/compiler/compiler.go
    """
    most = AT_ONCE * containers
    return Quota(
        pods=AT_ONCE,
        cpu=str(most * CORES),
        memory=f"{most * MEMORY}Gi",
        storage=f"{most * STORAGE}Gi",
        container_cpu=str(CORES),
        container_memory=f"{MEMORY}Gi",
        container_storage=f"{STORAGE}Gi",
    )

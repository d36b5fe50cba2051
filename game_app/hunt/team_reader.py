"""RBAC of the hunt's service: it reads the Deployments of the teams' namespaces, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

HUNT_READER: Final = "hunt-reader"
"""Name of the ClusterRole, and of its RoleBinding in each team's namespace."""


def team_reader(
    name: str,
    account: pulumi.Output[str],
    namespace: pulumi.Output[str],
    teams: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> None:
    """A ClusterRole, bound for one ServiceAccount in each team's namespace alone.

    name: prefix of the resources' names. account, namespace: the ServiceAccount. teams: name to namespace.
    """
    role = k8s.rbac.v1.ClusterRole(
        f"{name}-role",
        metadata={"name": HUNT_READER},
        rules=[k8s.rbac.v1.PolicyRuleArgs(api_groups=["apps"], resources=["deployments"], verbs=["get"])],
        opts=opts,
    )
    for team, target in teams.items():
        k8s.rbac.v1.RoleBinding(
            f"{name}-{team}-binding",
            metadata={"name": HUNT_READER, "namespace": target},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
            opts=opts,
        )

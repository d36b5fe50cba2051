"""Secrets that one part fills while the game runs and another reads, because nobody can know them before."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s


def handed_over(
    name: str,
    namespace: pulumi.Input[str],
    secret: str,
    *,
    by: tuple[str, str],
    opts: pulumi.ResourceOptions,
) -> None:
    """An empty Secret that one account of another namespace may read and fill, and nothing else there.

    name: prefix of the resources' names. by: namespace and name of the account.
    """
    made = k8s.core.v1.Secret(
        f"{name}-{secret}",
        metadata={"name": secret, "namespace": namespace},
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["data", "stringData"])),
    )
    role = k8s.rbac.v1.Role(
        f"{name}-{secret}-role",
        metadata={"name": f"fill-{secret}", "namespace": namespace},
        rules=[
            k8s.rbac.v1.PolicyRuleArgs(
                api_groups=[""], resources=["secrets"], resource_names=[made.metadata.name], verbs=["get", "patch"]
            )
        ],
        opts=opts,
    )
    k8s.rbac.v1.RoleBinding(
        f"{name}-{secret}-binding",
        metadata={"name": f"fill-{secret}", "namespace": namespace},
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
        subjects=[{"kind": "ServiceAccount", "namespace": by[0], "name": by[1]}],
        opts=opts,
    )

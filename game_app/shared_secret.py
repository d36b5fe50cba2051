"""Secrets that one program writes while the game runs and another program reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from game_app.cluster_addresses import DRONE, GUARD, SCM_NAMESPACE


@dataclass(frozen=True)
class ObjectName:
    """Namespace and name of an object in the cluster."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


DRONE_OAUTH: Final = ObjectName(DRONE.namespace, "oauth-application")
"""Secret with the OAuth application of Drone at the source control: keys `id` and `secret`."""
PIPELINE_SIGNATURES: Final = ObjectName(GUARD.namespace, "signatures")
"""Secret with Drone's signature of each pipeline, which the guard serves."""
SETUP_ACCOUNT: Final = ObjectName(SCM_NAMESPACE, "setup")
"""ServiceAccount of the source control's set-up, which writes both of these Secrets."""


def writable_secret(
    name: str,
    secret: ObjectName,
    namespace: pulumi.Input[str],
    *,
    writer: ObjectName,
    opts: pulumi.ResourceOptions,
) -> None:
    """An empty Secret that one ServiceAccount of another namespace may read and patch, and nothing else there.

    name: prefix of the resources' names. namespace: the Secret's, as an output of the Namespace that is made before it.
    """
    made = k8s.core.v1.Secret(
        f"{name}-{secret.name}",
        metadata={"name": secret.name, "namespace": namespace},
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["data", "stringData"])),
    )
    role = k8s.rbac.v1.Role(
        f"{name}-{secret.name}-role",
        metadata={"name": f"write-{secret.name}", "namespace": namespace},
        rules=[
            k8s.rbac.v1.PolicyRuleArgs(
                api_groups=[""], resources=["secrets"], resource_names=[made.metadata.name], verbs=["get", "patch"]
            )
        ],
        opts=opts,
    )
    k8s.rbac.v1.RoleBinding(
        f"{name}-{secret.name}-binding",
        metadata={"name": f"write-{secret.name}", "namespace": namespace},
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
        subjects=[{"kind": "ServiceAccount", "namespace": writer.namespace, "name": writer.name}],
        opts=opts,
    )

"""Rights of deployments: Roles and RoleBindings in the target namespaces, and credentials of components."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.settings import Delivery
from game_app.delivery.build_namespaces import BuildNamespace
from game_app.delivery.image_registry import ImageRegistry
from game_app.delivery.runner_policies import DEPLOYER
from game_app.master_key import given

CREDENTIALS: Final = "delivery"
"""Secret with what a component's deployment needs outside the cluster; its pipeline names it."""
_ALL_VERBS: Final = ["get", "list", "watch", "create", "update", "patch", "delete"]
_COMPONENT_KINDS: Final = (
    ("", ["configmaps", "secrets", "services", "pods"]),
    ("apps", ["deployments", "statefulsets", "replicasets"]),
    ("networking.k8s.io", ["ingresses"]),
    ("policy", ["poddisruptionbudgets"]),
)


def component_deployer_role(name: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
    """Role with the kinds of objects that a component's chart may hold; Helm keeps its releases in Secrets."""
    k8s.rbac.v1.Role(
        f"{name}-deployer-role",
        metadata={"name": DEPLOYER, "namespace": namespace},
        rules=[
            k8s.rbac.v1.PolicyRuleArgs(api_groups=[group], resources=kinds, verbs=_ALL_VERBS)
            for group, kinds in _COMPONENT_KINDS
        ],
        opts=opts,
    )


def bind_deployer(
    name: str, repository: str, target: pulumi.Input[str], builds: BuildNamespace, opts: pulumi.ResourceOptions
) -> None:
    """RoleBinding of a repository's deployments to the Role `deployer` of their target namespace."""
    k8s.rbac.v1.RoleBinding(
        f"{name}-deployer-binding",
        metadata={"name": f"deployer-{repository}", "namespace": target},
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": DEPLOYER},
        subjects=[{"kind": "ServiceAccount", "name": builds.account, "namespace": builds.namespace}],
        opts=opts,
    )


def component_credentials(
    name: str, settings: Delivery, registry: ImageRegistry, builds: BuildNamespace, opts: pulumi.ResourceOptions
) -> None:
    """Secret with the registry's login and the signing key, for the account of one component's deployments alone."""
    secret = k8s.core.v1.Secret(
        f"{name}-credentials",
        metadata={"name": CREDENTIALS, "namespace": builds.namespace},
        string_data={
            "config.json": pulumi.Output.secret(registry.config),
            "cosign.key": given(settings.signing_key),
            "cosign.password": given(settings.signing_password),
        },
        opts=opts,
    )
    role = k8s.rbac.v1.Role(
        f"{name}-credentials-role",
        metadata={"name": CREDENTIALS, "namespace": builds.namespace},
        rules=[
            k8s.rbac.v1.PolicyRuleArgs(
                api_groups=[""], resources=["secrets"], resource_names=[secret.metadata.name], verbs=["get"]
            )
        ],
        opts=opts,
    )
    k8s.rbac.v1.RoleBinding(
        f"{name}-credentials-binding",
        metadata={"name": CREDENTIALS, "namespace": builds.namespace},
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
        subjects=[{"kind": "ServiceAccount", "name": builds.account, "namespace": builds.namespace}],
        opts=opts,
    )

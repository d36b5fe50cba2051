"""The namespaces in which builds run: one for each repository and kind of build, none of which reaches another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    NetworkRule,
    allow_dns_egress,
    allow_egress,
    allow_internet_egress,
    allow_kubernetes_api_egress,
    pods_of,
)
from game_app.budget import quota
from game_app.delivery.policies import BUILD_LABEL, DENIED, DEPLOYMENT, NOBODY, Trust, namespace_of

NOTHING: Final = Quota(
    pods=0,
    cpu="0",
    memory="0",
    storage="0",
    container_cpu="100m",
    container_memory="64Mi",
    container_storage="64Mi",
)

_RUNNER_RULES: Final = (
    (["secrets"], ["create", "delete"]),
    (["pods"], ["get", "create", "delete", "list", "watch", "update"]),
    (["pods/log"], ["get", "create", "delete", "list", "watch", "update"]),
)
"""What the runner needs where builds run. Source: docs.drone.io, runner/kubernetes/installation"""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whom builds may talk to."""

    scm: NetworkRule
    """The source control, from which they clone."""
    buildkit_namespace: str
    buildkit_app: str
    buildkit_port: int
    api: ApiServer
    """The cluster's own API: for deployments only."""


@dataclass(frozen=True, kw_only=True)
class CellArgs:
    """Whose builds run here."""

    repository: str
    trust: Trust
    reach: Reach
    runner_account: pulumi.Input[str]
    runner_namespace: pulumi.Input[str]
    components: bool
    """Whether images are built here, and from the game's own repositories."""
    containers: int
    """How many containers the pod of a build has."""


class Cell(pulumi.ComponentResource):
    """A namespace for one repository's builds of one kind."""

    namespace: pulumi.Output[str]
    account: pulumi.Output[str]

    def __init__(self, name: str, args: CellArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Cell", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = _build_namespace(
            name, namespace_of(args.trust, args.repository), quota(args.containers), network_rules(args), child
        )
        self.account = _account(name, self.namespace, args.trust.account, child)
        role = k8s.rbac.v1.Role(
            f"{name}-runner-role",
            metadata={"name": "runner", "namespace": self.namespace},
            rules=[
                k8s.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=kinds, verbs=verbs)
                for kinds, verbs in _RUNNER_RULES
            ],
            opts=child,
        )
        k8s.rbac.v1.RoleBinding(
            f"{name}-runner-binding",
            metadata={"name": "runner", "namespace": self.namespace},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[
                {"kind": "ServiceAccount", "name": args.runner_account, "namespace": args.runner_namespace},
            ],
            opts=child,
        )
        self.register_outputs({"namespace": self.namespace, "account": self.account})


class DeniedCell(pulumi.ComponentResource):
    """Where builds end that no policy knows: not a single pod may start."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:DeniedCell", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = _build_namespace(name, DENIED, NOTHING, (), child)
        _account(name, self.namespace, NOBODY, child)
        self.register_outputs({"namespace": self.namespace})


def network_rules(args: CellArgs) -> Sequence[NetworkRule]:
    """Egress of a build's pods: for a pull request DNS and the source control, and nothing else."""
    reach = args.reach
    rules = [allow_dns_egress(), reach.scm]
    if args.trust is DEPLOYMENT:
        rules.append(allow_kubernetes_api_egress(reach.api))
        if args.components:
            buildkit = pods_of(reach.buildkit_namespace, reach.buildkit_app)
            rules += [allow_egress("allow-buildkit", buildkit, reach.buildkit_port), allow_internet_egress(reach.api)]
    return rules


def _build_namespace(
    name: str, namespace: str, quota: Quota, rules: Sequence[NetworkRule], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    return SecureNamespace(
        f"{name}-namespace",
        SecureNamespaceArgs(
            name=namespace,
            app=BUILD_LABEL,
            # The runner's pods set no security context, which `restricted` demands.
            pod_security="baseline",
            quota=quota,
            network_rules=rules,
        ),
        opts=child,
    ).name


def _account(
    name: str, namespace: pulumi.Output[str], account: str, child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    made = k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata={"name": account, "namespace": namespace},
        # A deployment's pods use theirs; a pull request's must not even have one to look at.
        automount_service_account_token=account != NOBODY,
        opts=child,
    )
    return made.metadata.name

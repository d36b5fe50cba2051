"""Namespaces in which builds run: one for each repository and trust, none of which reaches another."""

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
)
from game_app.build_limits import build_quota
from game_app.cluster_addresses import BUILD_LABEL, BUILDKIT
from game_app.delivery.runner_policies import DENIED, DEPLOYMENT, NOBODY, Trust, namespace_of

NO_PODS: Final = Quota(
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
"""Rights of the runner where builds run. Source: docs.drone.io, runner/kubernetes/installation"""


@dataclass(frozen=True, kw_only=True)
class BuildEgress:
    """Destinations that builds may connect to."""

    source_control: NetworkRule
    """Source control, from which every build clones."""
    api: ApiServer
    """The cluster's own API: for deployments only."""


@dataclass(frozen=True, kw_only=True)
class BuildNamespaceArgs:
    """Arguments of a namespace for one repository's builds of one trust."""

    repository: str
    trust: Trust
    egress: BuildEgress
    runner_account: pulumi.Input[str]
    runner_namespace: pulumi.Input[str]
    builds_images: bool
    """Whether builds make images, which those of the game's own components do."""
    containers: int
    """Containers of a build's pod."""


class BuildNamespace(pulumi.ComponentResource):
    """Namespace for one repository's builds of one trust, with a ResourceQuota and a closed network."""

    namespace: pulumi.Output[str]
    account: pulumi.Output[str]
    """Name of the ServiceAccount of the builds' pods."""

    def __init__(self, name: str, args: BuildNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:BuildNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = _baseline_namespace(
            name, namespace_of(args.trust, args.repository), build_quota(args.containers), build_egress(args), child
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


class DeniedBuildNamespace(pulumi.ComponentResource):
    """Namespace of builds that no runner's policy matches: its ResourceQuota lets no pod start."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:DeniedBuildNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = _baseline_namespace(name, DENIED, NO_PODS, (), child)
        _account(name, self.namespace, NOBODY, child)
        self.register_outputs({"namespace": self.namespace})


def build_egress(args: BuildNamespaceArgs) -> Sequence[NetworkRule]:
    """Egress of a build's pods: for a pull request DNS and the source control, and nothing else."""
    rules = [allow_dns_egress(), args.egress.source_control]
    if args.trust is DEPLOYMENT:
        rules.append(allow_kubernetes_api_egress(args.egress.api))
        if args.builds_images:
            buildkit = allow_egress("allow-buildkit", BUILDKIT.pods, BUILDKIT.port)
            rules += [buildkit, allow_internet_egress(args.egress.api)]
    return rules


def _baseline_namespace(
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
        # A deployment's pods use their token; a pull request's pods must not even have one to look at.
        automount_service_account_token=account != NOBODY,
        opts=child,
    )
    return made.metadata.name

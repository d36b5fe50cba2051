"""The namespaces in which builds run: one for each repository and kind of build, none of which reaches another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.naming import baseline_namespace
from game_app.budget import allowance
from game_app.delivery.policies import BUILD_LABEL, DENIED, DEPLOYMENT, NOBODY, Trust, namespace_of
from game_app.isolation import Allowance, Egress, fenced, to_api, to_dns, to_pods, to_the_internet
from game_app.kubernetes_api import ApiServer

NOTHING: Final = Allowance(
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

    scm: Egress
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
        self.namespace = _build_namespace(name, namespace_of(args.trust, args.repository), child)
        fenced(name, self.namespace, allowance(args.containers), egress=egress_of(args), opts=child)
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
        self.namespace = _build_namespace(name, DENIED, child)
        fenced(name, self.namespace, NOTHING, egress=(), opts=child)
        _account(name, self.namespace, NOBODY, child)
        self.register_outputs({"namespace": self.namespace})


def egress_of(args: CellArgs) -> list[Egress]:
    """Whom a cell's pods may talk to: for a pull request names and the source control, and nothing else."""
    reach = args.reach
    rules = [to_dns(), reach.scm]
    if args.trust is DEPLOYMENT:
        rules.append(to_api(reach.api))
        if args.components:
            buildkit = to_pods(reach.buildkit_namespace, reach.buildkit_app, reach.buildkit_port)
            rules += [buildkit, to_the_internet(reach.api)]
    return rules


def _build_namespace(name: str, namespace: str, child: pulumi.ResourceOptions) -> pulumi.Output[str]:
    # The runner's pods set no security context, which `restricted` demands.
    return k8s.core.v1.Namespace(
        f"{name}-namespace", metadata={"name": namespace, "labels": dict(baseline_namespace(BUILD_LABEL))}, opts=child
    ).metadata.name


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

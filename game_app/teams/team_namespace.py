"""Namespace of one team, with the players' read-only ServiceAccount and the Role of the team's deployments."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.naming import TEAM_PREFIX
from common.network_policies import allow_dns_egress, allow_ingress_controller, allow_same_namespace

TEAM_LABEL: Final = "team"
"""`app.kubernetes.io/name` of every team's namespace."""
CLUE_POD: Final = "clue-pod"
"""Name of the hunt's Deployment in a team's namespace, and of its Secret."""
RESERVED_NAMES: Final = (CLUE_POD, "kube-root-ca.crt")
"""Names in a team's namespace that a team's chart may not use: the clue pod's, and Kubernetes' own ConfigMap."""
_REPLICA_SETS: Final = 12
"""ReplicaSets of a Deployment: the ten earlier ones that Kubernetes keeps, the present one, and the next."""
_DEPLOYMENTS: Final = 6
TEAM_QUOTA: Final = Quota(
    pods=10,
    cpu="4",
    memory="4Gi",
    storage="8Gi",
    container_cpu="1",
    container_memory="1Gi",
    container_storage="1Gi",
    # All teams' objects share the etcd of the board's control plane, and a failed pod stays there until it is removed.
    objects={
        "configmaps": 12,
        "services": 6,
        "deployments.apps": _DEPLOYMENTS,
        "replicasets.apps": _DEPLOYMENTS * _REPLICA_SETS,
        "pods": 100,
    },
)
"""Enough for every step of a hunt, and too little to slow the other teams down."""

_READ: Final = ["get", "list", "watch"]
_CHANGE: Final = ["create", "update", "patch", "delete"]
_CHART_KINDS: Final = (
    ("", ["configmaps", "services"]),
    ("apps", ["deployments"]),
)
"""Kinds of objects that a team's chart may hold; `admission_rules` says what may stand in them.

No Secrets, Roles, ResourceQuotas, NetworkPolicies, Jobs, bare Pods or ServiceAccounts; and no Ingress, for its author
could take the name of another team's page, or Grafana's.
"""


@dataclass(frozen=True, kw_only=True)
class TeamNamespaceArgs:
    """Arguments of a team's namespace."""

    team: str
    """Name of the team."""


def namespace_of(team: str) -> str:
    """Name of a team's namespace, and of its repository."""
    return f"{TEAM_PREFIX}{team}"


class TeamNamespace(pulumi.ComponentResource):
    """Namespace, ResourceQuota, LimitRange and NetworkPolicies of a team, which no pod of another team reaches."""

    namespace: pulumi.Output[str]
    account: pulumi.Output[str]
    """Name of the players' ServiceAccount: it reads everything of the team and changes nothing."""
    token: pulumi.Output[str]
    """Token of that ServiceAccount, a secret; known once the cluster has made one."""
    deployer_role: pulumi.Output[str]
    """Name of the Role that lets a deployment change the kinds of objects of a chart, and nothing else."""

    def __init__(self, name: str, args: TeamNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:TeamNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=namespace_of(args.team),
                app=TEAM_LABEL,
                labels={"shambhala/team": args.team},
                quota=TEAM_QUOTA,
                network_rules=[allow_dns_egress(), allow_same_namespace(), allow_ingress_controller()],
            ),
            opts=child,
        ).name
        account = k8s.core.v1.ServiceAccount(
            f"{name}-players",
            metadata={"name": "players", "namespace": self.namespace},
            automount_service_account_token=False,
            opts=child,
        )
        self.account = account.metadata.name
        token = k8s.core.v1.Secret(
            f"{name}-token",
            metadata={
                "name": "players",
                "namespace": self.namespace,
                "annotations": {"kubernetes.io/service-account.name": self.account},
            },
            type="kubernetes.io/service-account-token",
            opts=child,
        )
        self.token = pulumi.Output.secret(token.data.apply(_token))
        self._grant(f"{name}-read", "players", _reading(), [("players", self.namespace)])
        self.deployer_role = self._role(f"{name}-deploy", "deployer", _deploying())
        self.register_outputs(
            {
                "namespace": self.namespace,
                "account": self.account,
                "token": self.token,
                "deployer_role": self.deployer_role,
            }
        )

    def _role(self, name: str, role: str, rules: list[k8s.rbac.v1.PolicyRuleArgs]) -> pulumi.Output[str]:
        made = k8s.rbac.v1.Role(
            f"{name}-role",
            metadata={"name": role, "namespace": self.namespace},
            rules=rules,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return made.metadata.name

    def _grant(
        self,
        name: str,
        role: str,
        rules: list[k8s.rbac.v1.PolicyRuleArgs],
        accounts: list[tuple[str, pulumi.Output[str]]],
    ) -> None:
        k8s.rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata={"name": role, "namespace": self.namespace},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": self._role(name, role, rules)},
            subjects=[
                {"kind": "ServiceAccount", "name": account, "namespace": namespace} for account, namespace in accounts
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _reading() -> list[k8s.rbac.v1.PolicyRuleArgs]:
    """Rights of players: to read everything of their team, logs too. Changes go through the repository."""
    rule = k8s.rbac.v1.PolicyRuleArgs
    return [
        *(rule(api_groups=[group], resources=kinds, verbs=_READ) for group, kinds in _CHART_KINDS),
        rule(api_groups=[""], resources=["pods", "pods/log", "events", "endpoints"], verbs=_READ),
        rule(api_groups=["apps"], resources=["replicasets"], verbs=_READ),
    ]


def _deploying() -> list[k8s.rbac.v1.PolicyRuleArgs]:
    rule = k8s.rbac.v1.PolicyRuleArgs
    return [
        *(rule(api_groups=[group], resources=kinds, verbs=[*_READ, *_CHANGE]) for group, kinds in _CHART_KINDS),
        rule(api_groups=["apps"], resources=["replicasets"], verbs=_READ),
    ]


def _token(data: Mapping[str, str] | None) -> str:
    return base64.b64decode((data or {}).get("token", "")).decode()

"""One team's space: a namespace that nothing of another team reaches, and an account with few rights in it."""

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

KIND: Final = "team-space"
"""`app.kubernetes.io/name` of every team's namespace."""
KEEPER: Final = "keeper"
"""The Deployment that the hunt has in a team's namespace, with its Secret of the same name."""
OURS: Final = (KEEPER, "kube-root-ca.crt")
"""Names in a team's namespace that its chart leaves alone: the program's, and Kubernetes' own ConfigMap."""
_KEPT: Final = 12
"""ReplicaSets of a Deployment: the ten before that Kubernetes keeps, the present one, and the next."""
_DEPLOYMENTS: Final = 6
QUOTA: Final = Quota(
    pods=10,
    cpu="4",
    memory="4Gi",
    storage="8Gi",
    container_cpu="1",
    container_memory="1Gi",
    container_storage="1Gi",
    # What a team makes lies in the one database of the board's control plane, and a pod that failed stays in it.
    objects={
        "configmaps": 12,
        "services": 6,
        "deployments.apps": _DEPLOYMENTS,
        "replicasets.apps": _DEPLOYMENTS * _KEPT,
        "pods": 100,
    },
)
"""Enough for every step of a hunt, and too little to slow the other teams down."""

_READ: Final = ["get", "list", "watch"]
_CHANGE: Final = ["create", "update", "patch", "delete"]
_GAME: Final = (
    ("", ["configmaps", "services"]),
    ("apps", ["deployments"]),
)
"""What a game's chart is made of. No Secrets, Roles, quotas, NetworkPolicies, Jobs, bare Pods or accounts, and no
Ingress: its author could take the name of another team's page, or Grafana's. `rules` says what may stand in them."""


@dataclass(frozen=True, kw_only=True)
class TeamSpaceArgs:
    """Whose space it is."""

    team: str
    """Name of the team."""


def namespace_of(team: str) -> str:
    """Name of a team's namespace, and of its repository."""
    return f"{TEAM_PREFIX}{team}"


class TeamSpace(pulumi.ComponentResource):
    """A team's namespace, its quota, limits and closed network, the players' account and the deployments' rights."""

    namespace: pulumi.Output[str]
    account: pulumi.Output[str]
    """Name of the service account that the players use: it looks at everything of theirs and changes nothing."""
    token: pulumi.Output[str]
    """The account's token, a secret; known once the cluster has made it."""
    deployer_role: pulumi.Output[str]
    """Name of the Role that lets a deployment change what a game's chart is made of, and nothing else."""

    def __init__(self, name: str, args: TeamSpaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:TeamSpace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=namespace_of(args.team),
                app=KIND,
                labels={"shambhala/team": args.team},
                quota=QUOTA,
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
        self._grant(f"{name}-look", "players", _looking(), [("players", self.namespace)])
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


def _looking() -> list[k8s.rbac.v1.PolicyRuleArgs]:
    """What players may do by hand: look at everything of theirs, logs too. Changes go through their repository."""
    rule = k8s.rbac.v1.PolicyRuleArgs
    return [
        *(rule(api_groups=[group], resources=kinds, verbs=_READ) for group, kinds in _GAME),
        rule(api_groups=[""], resources=["pods", "pods/log", "events", "endpoints"], verbs=_READ),
        rule(api_groups=["apps"], resources=["replicasets"], verbs=_READ),
    ]


def _deploying() -> list[k8s.rbac.v1.PolicyRuleArgs]:
    rule = k8s.rbac.v1.PolicyRuleArgs
    return [
        *(rule(api_groups=[group], resources=kinds, verbs=[*_READ, *_CHANGE]) for group, kinds in _GAME),
        rule(api_groups=["apps"], resources=["replicasets"], verbs=_READ),
    ]


def _token(data: Mapping[str, str] | None) -> str:
    return base64.b64decode((data or {}).get("token", "")).decode()

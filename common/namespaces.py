"""Namespaces that are closed from the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import pulumi
import pulumi_kubernetes as k8s

from common.naming import labels
from common.network_policies import NetworkRule, network_policies
from common.outputs import known_after

PodSecurity = Literal["restricted", "baseline", "privileged"]
"""Level of Kubernetes' Pod Security standards.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""
_SMALLEST_CONTAINER: Final[Mapping[str, str]] = {"cpu": "1m", "memory": "4Mi", "ephemeral-storage": "1Mi"}
"""Least that a container asks for and may have: as little as the runner of builds gives to a build's container.

Source: drone-runner-kube, engine/compiler/compiler.go
"""


@dataclass(frozen=True, kw_only=True)
class Quota:
    """ResourceQuota of a namespace, and the limits of a container that names none."""

    pods: int
    cpu: str
    """All pods together, in Kubernetes' notation."""
    memory: str
    """All pods together."""
    storage: str
    """Ephemeral storage of all pods together."""
    container_cpu: str
    """Most that one container may have, and what it gets where it names no limit."""
    container_memory: str
    container_storage: str
    objects: Mapping[str, int] = field(default_factory=dict[str, int])
    """Most objects of a kind, finished pods among them; kinds as in `deployments.apps`."""
    load_balancers: int = 0
    """Most Services of the type LoadBalancer, each of which is billed."""
    volume_claims: int = 0


@dataclass(frozen=True, kw_only=True)
class SecureNamespaceArgs:
    """Name, quota and network of a namespace."""

    name: str
    app: str
    """Value of the label `app.kubernetes.io/name`."""
    quota: Quota
    network_rules: Sequence[NetworkRule] = ()
    """Exceptions from `default-deny`."""
    pod_security: PodSecurity = "restricted"
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further labels."""
    registry_login: pulumi.Input[str] | None = None
    """Docker's `config.json` with the login by which its images are pulled; None for public images."""


class SecureNamespace(pulumi.ComponentResource):
    """Namespace with pod-security labels, ResourceQuota, LimitRange and NetworkPolicies: `default-deny`, and one for
    each rule. A pod that names no ServiceAccount has no token for the Kubernetes API.
    """

    name: pulumi.Output[str]
    """Known once every policy is in force: whatever is put into the namespace comes after, and is removed before.

    A pod that ends still needs what the rules allow: a runner sees its builds to their end by the Kubernetes API.
    """

    def __init__(self, name: str, args: SecureNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:common:SecureNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-object",
            metadata={
                "name": args.name,
                "labels": {**namespace_labels(args.app, args.pod_security), **args.labels},
            },
            opts=child,
        ).metadata.name
        policies = network_policies(name, namespace, args.network_rules, child)
        self.name = known_after(namespace, *(policy.metadata.name for policy in policies))
        self._quota(name, args.quota)
        self._limits(name, args.quota)
        pull_secret = self._registry_secret(name, args.registry_login) if args.registry_login is not None else None
        disable_default_token(name, self.name, child, pull_secret=pull_secret)
        self.register_outputs({"name": self.name})

    def _quota(self, name: str, quota: Quota) -> None:
        k8s.core.v1.ResourceQuota(
            f"{name}-quota",
            metadata={"name": "quota", "namespace": self.name},
            spec={
                "hard": {
                    "pods": str(quota.pods),
                    "limits.cpu": quota.cpu,
                    "limits.memory": quota.memory,
                    "limits.ephemeral-storage": quota.storage,
                    "services.loadbalancers": str(quota.load_balancers),
                    # A load balancer's Service takes a port of the nodes for each of its own.
                    "services.nodeports": str(2 * quota.load_balancers),
                    "persistentvolumeclaims": str(quota.volume_claims),
                    **{f"count/{kind}": str(number) for kind, number in quota.objects.items()},
                }
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _limits(self, name: str, quota: Quota) -> None:
        limits = {
            "cpu": quota.container_cpu,
            "memory": quota.container_memory,
            "ephemeral-storage": quota.container_storage,
        }
        k8s.core.v1.LimitRange(
            f"{name}-limits",
            metadata={"name": "limits", "namespace": self.name},
            spec={
                "limits": [
                    {
                        "type": "Container",
                        "default": limits,
                        "default_request": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
                        "max": limits,
                        # A limit of 0 is none, and counts for nothing in the quota.
                        "min": dict(_SMALLEST_CONTAINER),
                    }
                ]
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _registry_secret(self, name: str, login: pulumi.Input[str]) -> pulumi.Output[str]:
        return k8s.core.v1.Secret(
            f"{name}-registry",
            metadata={"name": "registry", "namespace": self.name},
            type="kubernetes.io/dockerconfigjson",
            string_data={".dockerconfigjson": pulumi.Output.secret(login)},
            opts=pulumi.ResourceOptions(parent=self),
        ).metadata.name


def namespace_labels(app: str, pod_security: PodSecurity) -> Mapping[str, str]:
    """Labels of a namespace: Kubernetes' recommended ones, and the Pod Security level that is enforced."""
    return {**labels(app), "pod-security.kubernetes.io/enforce": pod_security}


def disable_default_token(
    name: str,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    *,
    pull_secret: pulumi.Input[str] | None = None,
) -> None:
    """ServiceAccount `default` without a token: the account of every pod that names none.

    name: prefix of the resource's name. pull_secret: Secret with the login by which its pods' images are pulled.

    Kubernetes makes that account by itself, soon after the namespace; whoever is first, the other only adds to it.
    """
    k8s.core.v1.ServiceAccountPatch(
        f"{name}-no-default-token",
        metadata={
            "name": "default",
            "namespace": namespace,
            "annotations": {"pulumi.com/patchForce": "true"},
        },
        automount_service_account_token=False,
        image_pull_secrets=None if pull_secret is None else [{"name": pull_secret}],
        opts=opts,
    )

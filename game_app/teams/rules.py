"""What no team's chart may say, though its Role lets it make the object: one set of rules for all teams' namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from game_app.teams.space import KIND

_SERVICES: Final[Mapping[str, str]] = {
    "object.spec.type == 'ClusterIP'": "a team's Service has the type ClusterIP",
    # Every node would send there what is meant for that address: the board's own, another team's, anybody's.
    "object.spec.?externalIPs.orValue([]).size() == 0": "a team's Service names no externalIPs",
}
_POD: Final = "object.spec.template.spec"
_NEAR_AND_FAR: Final = " + ".join(
    f"variables.pod.?affinity.?{kind}.?{rule}DuringSchedulingIgnoredDuringExecution.orValue([])"
    + ("" if rule == "required" else ".map(each, each.podAffinityTerm)")
    for kind in ("podAffinity", "podAntiAffinity")
    for rule in ("required", "preferred")
)
_DEPLOYMENTS: Final[Mapping[str, str]] = {
    # Kubernetes lets every namespace name its own two classes, whose pods push Gitea, Drone and the guard off a node.
    "variables.pod.?priorityClassName.orValue('') == ''": "a team's pods name no priorityClassName",
    # A node that has no room fails such a pod at once, and its ReplicaSet makes the next one without end.
    "variables.pod.?nodeName.orValue('') == ''": "a team's pods name no nodeName",
    # Nodes are set apart for others by taints.
    "variables.pod.?tolerations.orValue([]).size() == 0": "a team's pods have no tolerations",
    # Who wants to be far from a pod keeps that pod away as well.
    "variables.near.all(each, !has(each.namespaces) && !has(each.namespaceSelector))": (
        "a team's pods are near or far from pods of its own namespace only (podAffinity, podAntiAffinity)"
    ),
}
"""Rule in CEL to what is said where it does not hold."""


class TeamRules(pulumi.ComponentResource):
    """Rules that the API server asks itself before it takes a team's object, whoever brings it.

    ValidatingAdmissionPolicies, which Kubernetes has since 1.30: no webhook that could be down.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:TeamRules", name, None, opts)
        bindings = [
            self._rule(name, "", "services", _SERVICES, {}),
            self._rule(name, "apps", "deployments", _DEPLOYMENTS, {"pod": _POD, "near": _NEAR_AND_FAR}),
        ]
        self.register_outputs({"bindings": bindings})

    def _rule(
        self, name: str, group: str, kind: str, rules: Mapping[str, str], variables: Mapping[str, str]
    ) -> pulumi.Output[str]:
        child, admission = pulumi.ResourceOptions(parent=self), k8s.admissionregistration.v1
        policy = admission.ValidatingAdmissionPolicy(
            f"{name}-{kind}",
            metadata={"name": f"team-{kind}"},
            spec={
                "failure_policy": "Fail",
                "match_constraints": {
                    "namespace_selector": {"match_labels": {"app.kubernetes.io/name": KIND}},
                    "resource_rules": [
                        {
                            "api_groups": [group],
                            "api_versions": ["v1"],
                            "resources": [kind],
                            "operations": ["CREATE", "UPDATE"],
                        }
                    ],
                },
                "variables": [{"name": called, "expression": told} for called, told in variables.items()],
                "validations": [{"expression": rule, "message": said} for rule, said in rules.items()],
            },
            opts=child,
        )
        return admission.ValidatingAdmissionPolicyBinding(
            f"{name}-{kind}-binding",
            metadata={"name": f"team-{kind}"},
            spec={"policy_name": policy.metadata.name, "validation_actions": ["Deny"]},
            opts=child,
        ).metadata.name

"""What no team's chart may say, though its Role lets it make the object: one set of rules for all teams' namespaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from game_app.teams.space import KIND, OURS

ENDING: Final = 60
"""Seconds that a team's pod may take to end: until then it counts, and a node that is drained waits for it."""

_SERVICES: Final[Mapping[str, str]] = {
    "object.spec.type == 'ClusterIP'": "a team's Service has the type ClusterIP",
    # Every node would send there what is meant for that address: the board's own, another team's, anybody's.
    "object.spec.?externalIPs.orValue([]).size() == 0": "a team's Service names no externalIPs",
}
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
    # A team makes no Secrets: every one in its namespace is the game's, with the words that the team looks for.
    "variables.volumes.all(each, has(each.emptyDir) || has(each.configMap) || has(each.downwardAPI)"
    " || has(each.projected))": ("a team's volumes are emptyDir, configMap, downwardAPI or projected"),
    "variables.volumes.all(each, each.?projected.?sources.orValue([]).all(one, has(one.configMap)"
    " || has(one.downwardAPI)))": (
        "a team's projected volumes hold ConfigMaps and the downward API: no Secret, and no token for anybody"
    ),
    "variables.containers.all(each, each.?env.orValue([]).all(one, !one.?valueFrom.?secretKeyRef.hasValue())"
    " && each.?envFrom.orValue([]).all(one, !has(one.secretRef)))": (
        "a team's containers take no variables from Secrets (env, envFrom)"
    ),
    "variables.pod.?imagePullSecrets.orValue([]).size() == 0": "a team's pods pull images without imagePullSecrets",
    "variables.pod.?serviceAccountName.orValue('default') in ['', 'default']"
    " && variables.pod.?serviceAccount.orValue('default') in ['', 'default']"
    " && !variables.pod.?automountServiceAccountToken.orValue(false)": (
        "a team's pods have no account at the cluster (serviceAccountName, automountServiceAccountToken)"
    ),
    f"variables.pod.?terminationGracePeriodSeconds.orValue(30) <= {ENDING}"
    " && variables.containers.all(each, [each.?livenessProbe, each.?startupProbe].all(probe,"
    f" probe.?terminationGracePeriodSeconds.orValue(0) <= {ENDING}))": (
        f"a team's pods end within {ENDING} seconds (terminationGracePeriodSeconds)"
    ),
    # What a pod as a whole has would count in place of what its containers have, whose limits nobody may leave out.
    "!has(variables.pod.resources)": "a team's containers have resources, its pods have none",
}
"""Rule in CEL to what is said where it does not hold."""
_VARIABLES: Final[Mapping[str, str]] = {
    "pod": "object.spec.template.spec",
    "near": _NEAR_AND_FAR,
    "containers": "variables.pod.containers + variables.pod.?initContainers.orValue([])",
    "volumes": "variables.pod.?volumes.orValue([])",
}
_NAMES: Final = str(list(OURS))
_THEIRS: Final = f"!(object.metadata.name in {_NAMES})"
"""Whose Deployment it is: those of the program have its Secrets, and no team comes by their names."""
_FROM_A_POD: Final = (
    "request.userInfo.username.startsWith('system:serviceaccount:')"
    " && !request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"
)
"""Who asks: the program is the operators' own account, and Kubernetes' controllers live in kube-system."""
_LEFT_ALONE: Final = f"{' and '.join(OURS)} are the game's own: a team's chart leaves them alone"
_OBJECT: Final = "object != null ? object.metadata.name : oldObject.metadata.name"


class TeamRules(pulumi.ComponentResource):
    """Rules that the API server asks itself before it takes a team's object, whoever brings it.

    ValidatingAdmissionPolicies, which Kubernetes has since 1.30: no webhook that could be down.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:TeamRules", name, None, opts)
        bindings = [
            self._rule(name, "services", {"": ["services"]}, _SERVICES),
            self._rule(name, "deployments", {"apps": ["deployments"]}, _DEPLOYMENTS, _VARIABLES, when=_THEIRS),
            self._rule(
                name,
                "names",
                {"": ["configmaps"], "apps": ["deployments"]},
                {f"!(variables.called in {_NAMES})": _LEFT_ALONE},
                {"called": _OBJECT},
                when=_FROM_A_POD,
                operations=("CREATE", "UPDATE", "DELETE"),
            ),
        ]
        self.register_outputs({"bindings": bindings})

    def _rule(
        self,
        name: str,
        called: str,
        kinds: Mapping[str, Sequence[str]],
        rules: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        *,
        when: str = "",
        operations: Sequence[str] = ("CREATE", "UPDATE"),
    ) -> pulumi.Output[str]:
        """One policy and its binding.

        kinds: API group to what of it the rules are for. when: in CEL, of which requests; empty: of all.
        """
        child, admission = pulumi.ResourceOptions(parent=self), k8s.admissionregistration.v1
        policy = admission.ValidatingAdmissionPolicy(
            f"{name}-{called}",
            metadata={"name": f"team-{called}"},
            spec={
                "failure_policy": "Fail",
                "match_constraints": {
                    "namespace_selector": {"match_labels": {"app.kubernetes.io/name": KIND}},
                    "resource_rules": [
                        {
                            "api_groups": [group],
                            "api_versions": ["v1"],
                            "resources": list(resources),
                            "operations": list(operations),
                        }
                        for group, resources in kinds.items()
                    ],
                },
                **({"match_conditions": [{"name": "meant", "expression": when}]} if when else {}),
                "variables": [{"name": each, "expression": told} for each, told in (variables or {}).items()],
                "validations": [{"expression": rule, "message": said} for rule, said in rules.items()],
            },
            opts=child,
        )
        return admission.ValidatingAdmissionPolicyBinding(
            f"{name}-{called}-binding",
            metadata={"name": f"team-{called}"},
            spec={"policy_name": policy.metadata.name, "validation_actions": ["Deny"]},
            opts=child,
        ).metadata.name

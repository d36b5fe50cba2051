"""ValidatingAdmissionPolicies for all teams' namespaces: limits of objects that a team's Role lets it make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from game_app.teams.team_namespace import RESERVED_NAMES, TEAM_LABEL

MAX_GRACE_SECONDS: Final = 60
"""Seconds that a team's pod may take to end: an ending pod still counts, and a node that is drained waits for it."""

DOCKER_HUB: Final = "docker.io"
"""Registry of an image that names none."""

_SERVICES: Final[Mapping[str, str]] = {
    "object.spec.type == 'ClusterIP'": "a team's Service has the type ClusterIP",
    # Every node would send traffic for that address to the Service: the board's own address, or another team's.
    "object.spec.?externalIPs.orValue([]).size() == 0": "a team's Service names no externalIPs",
}
_POD_AFFINITY_TERMS: Final = " + ".join(
    f"variables.pod.?affinity.?{kind}.?{rule}DuringSchedulingIgnoredDuringExecution.orValue([])"
    + ("" if rule == "required" else ".map(each, each.podAffinityTerm)")
    for kind in ("podAffinity", "podAntiAffinity")
    for rule in ("required", "preferred")
)
_DEPLOYMENTS: Final[Mapping[str, str]] = {
    # Any namespace may use Kubernetes' own PriorityClasses, whose pods evict Gitea, Drone and the guard from a node.
    "variables.pod.?priorityClassName.orValue('') == ''": "a team's pods name no priorityClassName",
    # A node without room fails such a pod at once, and its ReplicaSet makes new pods without end.
    "variables.pod.?nodeName.orValue('') == ''": "a team's pods name no nodeName",
    # Taints reserve nodes for others.
    "variables.pod.?tolerations.orValue([]).size() == 0": "a team's pods have no tolerations",
    # Anti-affinity is symmetric: it keeps the other pod away as well.
    "variables.affinity.all(each, !has(each.namespaces) && !has(each.namespaceSelector))": (
        "a team's pods are near or far from pods of its own namespace only (podAffinity, podAntiAffinity)"
    ),
    # A team makes no Secrets: every Secret in its namespace is the program's, with the words that the team looks for.
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
    f"variables.pod.?terminationGracePeriodSeconds.orValue(30) <= {MAX_GRACE_SECONDS}"
    " && variables.containers.all(each, [each.?livenessProbe, each.?startupProbe].all(probe,"
    f" probe.?terminationGracePeriodSeconds.orValue(0) <= {MAX_GRACE_SECONDS}))": (
        f"a team's pods end within {MAX_GRACE_SECONDS} seconds (terminationGracePeriodSeconds)"
    ),
    # Resources of the whole pod would count in place of those of its containers, whose limits nobody may leave out.
    "!has(variables.pod.resources)": "a team's containers have resources, its pods have none",
}
"""Rule in CEL to the message where the rule does not hold."""
_VARIABLES: Final[Mapping[str, str]] = {
    "pod": "object.spec.template.spec",
    "affinity": _POD_AFFINITY_TERMS,
    "containers": "variables.pod.containers + variables.pod.?initContainers.orValue([])",
    "volumes": "variables.pod.?volumes.orValue([])",
}
_HOST: Final = "each.image.split('/')[0]"
_REGISTRY_OF: Final = f"(each.image.contains('/') && {_HOST}.matches('[.:]|^localhost$') ? {_HOST} : '{DOCKER_HUB}')"
"""Registry of a container's image in CEL. Source: github.com/distribution/reference, normalize.go"""
_RESERVED: Final = str(list(RESERVED_NAMES))
_OF_THE_TEAM: Final = f"!(object.metadata.name in {_RESERVED})"
"""Condition that a Deployment is the team's: those of the program mount Secrets, and their names are reserved."""
_FROM_A_POD: Final = (
    "request.userInfo.username.startsWith('system:serviceaccount:')"
    " && !request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"
)
"""Condition on who asks: the program runs as the operators' account, Kubernetes' controllers in kube-system."""
_RESERVED_MESSAGE: Final = f"{' and '.join(RESERVED_NAMES)} are the game's own: a team's chart leaves them alone"
_OBJECT_NAME: Final = "object != null ? object.metadata.name : oldObject.metadata.name"


class TeamAdmissionRules(pulumi.ComponentResource):
    """ValidatingAdmissionPolicies with their bindings: the API server checks each team's object itself.

    Kubernetes has them since 1.30; they need no webhook, which could be down.
    """

    def __init__(self, name: str, registries: Sequence[str], opts: pulumi.ResourceOptions | None = None) -> None:
        """registries: those that the images of a team's pods may come from."""
        super().__init__("shambhala:game_app:TeamAdmissionRules", name, None, opts)
        bindings = [
            self._rule(name, "services", {"": ["services"]}, _SERVICES),
            self._rule(
                name, "deployments", {"apps": ["deployments"]}, _deployments(registries), _VARIABLES, when=_OF_THE_TEAM
            ),
            self._rule(
                name,
                "names",
                {"": ["configmaps"], "apps": ["deployments"]},
                {f"!(variables.name in {_RESERVED})": _RESERVED_MESSAGE},
                {"name": _OBJECT_NAME},
                when=_FROM_A_POD,
                operations=("CREATE", "UPDATE", "DELETE"),
            ),
        ]
        self.register_outputs({"bindings": bindings})

    def _rule(
        self,
        name: str,
        policy_name: str,
        kinds: Mapping[str, Sequence[str]],
        rules: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        *,
        when: str = "",
        operations: Sequence[str] = ("CREATE", "UPDATE"),
    ) -> pulumi.Output[str]:
        """One policy and its binding.

        kinds: API group to its resources. when: condition of the requests that are checked, in CEL; empty: all.
        """
        child, admission = pulumi.ResourceOptions(parent=self), k8s.admissionregistration.v1
        policy = admission.ValidatingAdmissionPolicy(
            f"{name}-{policy_name}",
            metadata={"name": f"team-{policy_name}"},
            spec={
                "failure_policy": "Fail",
                "match_constraints": {
                    "namespace_selector": {"match_labels": {"app.kubernetes.io/name": TEAM_LABEL}},
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
                "variables": [{"name": each, "expression": value} for each, value in (variables or {}).items()],
                "validations": [{"expression": rule, "message": message} for rule, message in rules.items()],
            },
            opts=child,
        )
        return admission.ValidatingAdmissionPolicyBinding(
            f"{name}-{policy_name}-binding",
            metadata={"name": f"team-{policy_name}"},
            spec={"policy_name": policy.metadata.name, "validation_actions": ["Deny"]},
            opts=child,
        ).metadata.name


def _deployments(registries: Sequence[str]) -> Mapping[str, str]:
    """Rules of Deployments. registries: those that images may come from."""
    # A node asks whatever address an image names: the board's own, or a port of another node.
    allowed = f"variables.containers.all(each, {_REGISTRY_OF} in {list(registries)})"
    return {**_DEPLOYMENTS, allowed: f"a team's images come from {', '.join(registries)} (teams.registries)"}

"""Names, tags and labels of resources, by which an operator finds them in any console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PROJECT = "shambhala"
INGRESS_NAMESPACE: Final = "ingress"
"""Namespace of a board's ingress controller."""
OBSERVABILITY_NAMESPACE: Final = "observability"
"""Namespace of Prometheus, Loki and Grafana."""
TEAM_PREFIX: Final = "team-"
"""Prefix of every team's namespace, and of no other."""


def tags(environment: str, part: str) -> list[str]:
    """Scaleway tags on everything that one part of an environment owns."""
    return [PROJECT, f"environment={environment}", f"part={part}"]


def project_wide(environment: str, project_id: str) -> str:
    """Start of a name that no other project's environment has, for what is named beyond a project.

    The names of registry namespaces are one list for all customers of a region, and those of IAM applications and
    policies one for an organisation: eight digits of the project's id keep them apart.
    Source: https://pkg.go.dev/github.com/scaleway/scaleway-sdk-go/api/registry/v1#Namespace
    """
    return f"{PROJECT}-{environment}-{project_id[:8]}"


def name_server_label(subdomain: str) -> str:
    """Label(s) of the game master as a name server, in the parent zone: outside the zone that it serves."""
    return f"ns1-{subdomain}"


def labels(component: str) -> Mapping[str, str]:
    """Kubernetes' recommended labels for one component of the platform.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
    """
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/part-of": PROJECT,
        "app.kubernetes.io/managed-by": "pulumi",
    }

"""How things are named and labelled, so that an operator finds them in any console."""

from __future__ import annotations

from collections.abc import Mapping

PROJECT = "shambhala"


def tags(environment: str, part: str) -> list[str]:
    """Scaleway tags on everything that one part of an environment owns."""
    return [PROJECT, f"environment={environment}", f"part={part}"]


def labels(component: str) -> Mapping[str, str]:
    """Kubernetes' recommended labels for one component of the platform.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
    """
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/part-of": PROJECT,
        "app.kubernetes.io/managed-by": "pulumi",
    }


def restricted_namespace(component: str) -> Mapping[str, str]:
    """Labels of a namespace whose pods must fit Kubernetes' `restricted` Pod Security standard."""
    return {**labels(component), "pod-security.kubernetes.io/enforce": "restricted"}


def baseline_namespace(component: str) -> Mapping[str, str]:
    """Labels of a namespace for a chart whose pods do not all fit `restricted`, but do `baseline`."""
    return {**labels(component), "pod-security.kubernetes.io/enforce": "baseline"}

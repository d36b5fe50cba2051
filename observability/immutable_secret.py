"""Immutable Secrets, of which each content is an object of its own, so that a new password restarts the pods."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s


def immutable_secret(
    name: str, namespace: pulumi.Input[str], values: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Name of the Secret. name: of the resource.

    The engine makes up the Secret's name, and another one when a value changes, because an immutable object can only be
    replaced: the workloads that name the Secret change as well, and their pods start anew. A digest of the content in
    an annotation would do so too, and would give whoever sees a pod something to try passwords against.
    """
    made = k8s.core.v1.Secret(
        name,
        metadata={"namespace": namespace},
        immutable=True,
        string_data={key: pulumi.Output.secret(value) for key, value in values.items()},
        opts=opts,
    )
    return made.metadata.name

"""Secrets that their pods notice: a pod reads most of what it needs of a Secret when it starts, and never again."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s


def secret(
    name: str, namespace: pulumi.Input[str], values: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Name of a Secret of which each content is an object of its own.

    The engine makes up the name, and since what is immutable can only be replaced, it makes up another when a value
    changes: whatever names the Secret changes as well, and its pods start anew. A digest of the content would do so
    too, and would show whoever sees a pod what to try passwords against.
    """
    made = k8s.core.v1.Secret(
        name,
        metadata={"namespace": namespace},
        immutable=True,
        string_data={key: pulumi.Output.secret(value) for key, value in values.items()},
        opts=opts,
    )
    return made.metadata.name

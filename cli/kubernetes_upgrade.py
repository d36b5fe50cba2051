"""Upgrades of boards' Kubernetes: one minor version at a time, and never back.

Kapsule refuses anything else, but only once the engine has reached the cluster, with other changes done by then.
Source: https://www.scaleway.com/en/docs/kubernetes/how-to/upgrade-kubernetes-version/
"""

from __future__ import annotations

from collections.abc import Generator

from cli.replacements import CLUSTER, RefusedChangeError, input_of, name_of
from cli.stack import Tree
from cli.state import resources
from common.settings import Settings
from common.settings.problems import NAMESPACE, Place


def check_upgrades(settings: Settings, state: Tree, stack: str) -> None:
    """Refuse versions that no board's cluster can be upgraded to at once. Raises RefusedChangeError."""
    refused = list(_refused(settings, state, stack))
    if refused:
        listed = "\n".join(f"  {NAMESPACE}:{each}" for each in refused)
        raise RefusedChangeError(f"Kubernetes is upgraded one minor version at a time. Nothing was touched.\n{listed}")


def _refused(settings: Settings, state: Tree, stack: str) -> Generator[str]:
    stands = {name_of(each): str(input_of(each, "version")) for each in resources(state) if each["type"] == CLUSTER}
    for name, board in settings.boards.items():
        version = stands.get(f"board-{name}-kapsule-cluster")
        if version is None:
            continue
        now, wanted = _minor(version), _minor(board.kubernetes_version)
        if wanted in (now, now + 1):
            continue
        next_one = f"1.{now + 1 if wanted > now else now}"
        reason = f"must be 1.{now}, which the cluster has, or 1.{now + 1}, the one after"
        setting = f"boards.{name}.kubernetesVersion"
        command = Place(stack, [], ("boards", name, "kubernetesVersion")).set(next_one, text=True)
        yield f'{setting} = "{board.kubernetes_version}": {reason}\n      {command}'


def _minor(version: str) -> int:
    return int(version.split(".")[1])

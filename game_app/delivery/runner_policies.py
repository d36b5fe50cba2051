"""Policy files of Drone's runners: namespace, ServiceAccount and limits of each build's pod."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from game_app.build_limits import CONTAINER_CORES, CONTAINER_MEMORY_GIB

DENIED: Final = "ci-denied"
"""Namespace in which no pod can start: the default, for builds that no policy matches."""
NOBODY: Final = "nobody"
"""ServiceAccount of builds that have no business with the cluster."""
DEPLOYER: Final = "deployer"
"""ServiceAccount of deployments, and name of the Role in their target namespace."""


@dataclass(frozen=True, kw_only=True)
class Trust:
    """One kind of build, by who may start the build and what it may do."""

    name: str
    """Also the label that sends a stage to the runner: `node: {trust: NAME}`."""
    event: str
    """The one event that starts such a build, by Drone's name."""
    prefix: str
    """Prefix of the namespaces' names."""
    account: str
    """ServiceAccount of the pods."""


UNTRUSTED: Final = Trust(name="untrusted", event="pull_request", prefix="ci-", account=NOBODY)
DEPLOYMENT: Final = Trust(name="deploy", event="push", prefix="cd-", account=DEPLOYER)
TRUSTS: Final = (UNTRUSTED, DEPLOYMENT)


def namespace_of(trust: Trust, repository: str) -> str:
    """Namespace of a repository's builds of one trust."""
    return f"{trust.prefix}{repository}"


def policy_file(trust: Trust, organisation: str, repositories: Sequence[str]) -> str:
    """Policy file of one runner, in YAML (of which JSON is a part).

    The first policy that matches counts, then the one named `default`; without a `default`, none. The key is `repo`:
    the runner accepts `repos`, as any other unknown key, and then matches everything.
    Source: drone-runner-kube, engine/policy/match.go
    """
    known = [
        _policy(f"{trust.name}-{name}", namespace_of(trust, name), trust.account)
        | {"match": {"repo": [f"{organisation}/{name}"], "event": [trust.event]}}
        for name in repositories
    ]
    return "".join(f"---\n{json.dumps(policy)}\n" for policy in [*known, _policy("default", DENIED, NOBODY)])


def _policy(name: str, namespace: str, account: str) -> dict[str, Any]:
    return {
        "kind": "policy",
        "name": name,
        "metadata": {"namespace": namespace},
        "service_account": account,
        # The runner applies `request` to the pod as a whole, but `limit` to each container.
        "resources": {
            "request": {"cpu": 100, "memory": "128MiB"},
            "limit": {"cpu": 1000 * CONTAINER_CORES, "memory": f"{CONTAINER_MEMORY_GIB}GiB"},
        },
    }

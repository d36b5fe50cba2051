"""The runners' policy files: in which namespace, as whom and within what limits a build's pod runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from game_app.budget import CORES, MEMORY

DENIED: Final = "ci-denied"
"""A namespace in which no pod can start: where a build ends that no policy knows."""
BUILD_LABEL: Final = "build"
"""`app.kubernetes.io/name` of the namespaces in which builds run."""
NOBODY: Final = "nobody"
"""The service account of builds that have no business with the cluster."""
DEPLOYER: Final = "deployer"
"""The service account of deployments."""


@dataclass(frozen=True, kw_only=True)
class Trust:
    """One kind of build: who may begin it, and what it may do."""

    name: str
    """Also the label that sends a stage to its runner: `node: {trust: NAME}`."""
    event: str
    """The one event that begins it, by Drone's name."""
    prefix: str
    """How its namespaces begin."""
    account: str
    """Service account of its pods."""


UNTRUSTED: Final = Trust(name="untrusted", event="pull_request", prefix="ci-", account=NOBODY)
DEPLOYMENT: Final = Trust(name="deploy", event="push", prefix="cd-", account=DEPLOYER)
TRUSTS: Final = (UNTRUSTED, DEPLOYMENT)


def namespace_of(trust: Trust, repository: str) -> str:
    """The namespace in which a repository's builds of one kind run."""
    return f"{trust.prefix}{repository}"


def policy_file(trust: Trust, organisation: str, repositories: Sequence[str]) -> str:
    """The policy file of one kind of runner, in YAML (of which JSON is a part).

    The first policy that matches counts, then the one named `default`; without that one, none. The key is `repo`: the
    runner takes `repos` as well as any other unknown word, and then matches everything.
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
        # Asked for by the pod as a whole, but limits of each of its containers.
        "resources": {
            "request": {"cpu": 100, "memory": "128MiB"},
            "limit": {"cpu": 1000 * CORES, "memory": f"{MEMORY}GiB"},
        },
    }

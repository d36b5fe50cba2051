"""What drone-runner-kube makes of a pipeline: one pod with a container for every step, and a script for each.

Written from what version 1.0.0-rc.5 does (engine/compiler, engine/policy, engine/convert.go), without what no pipeline
of the game's has: services, secrets, steps that have neither commands nor an entry point.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

Tree = dict[str, Any]
SHELL: Final = ("/bin/sh", "-c", 'echo "$DRONE_SCRIPT" | /bin/sh')
"""What every step's container runs, whatever entry point the step names."""
_BEGINNING: Final = """
if [ ! -z "${DRONE_NETRC_FILE}" ]; then
    echo $DRONE_NETRC_FILE > $HOME/.netrc
    chmod 600 $HOME/.netrc
fi
unset DRONE_SCRIPT DRONE_NETRC_MACHINE DRONE_NETRC_USERNAME DRONE_NETRC_PASSWORD DRONE_NETRC_FILE
set -e
"""
_CHUNK: Final = 4 * 1024 * 1024
"""Bytes in which the memory that a pod asks for is dealt out to its containers."""


def script(step: Mapping[str, Any]) -> str:
    """What a step's shell is given to read: its commands, or its entry point with its words joined as they are."""
    entrypoint: Sequence[str] = step.get("entrypoint") or ()
    commands = [" ".join([*entrypoint, *step.get("command", ())])] if entrypoint else step["commands"]
    return _BEGINNING + "".join(f"echo + {_quoted(command)}\n{command}\n" for command in commands)


def _quoted(command: str) -> str:
    return json.dumps(command, ensure_ascii=False).replace("$", r"\$")


def policy_for(policies: str, repository: str, event: str) -> Tree:
    """The policy of a build: the first that matches, else the one named `default`.

    A key that the runner does not know is no condition at all.
    """
    known: list[Tree] = [policy for policy in yaml.safe_load_all(policies) if policy]
    given = {"repo": repository, "event": event}

    def matches(policy: Tree) -> bool:
        conditions = policy.get("match", {})
        return all(value in conditions[key] for key, value in given.items() if key in conditions)

    default = next(policy for policy in known if policy["name"] == "default")
    return next((policy for policy in known if policy is not default and matches(policy)), default)


def pod(pipeline: str, policies: str, environment: Mapping[str, str], *, repository: str, event: str) -> Tree:
    """The pod in which a build of a repository (OWNER/NAME) runs, for the API server.

    environment: the runner's own settings.
    """
    wanted: Tree = yaml.safe_load(pipeline)
    assert wanted["clone"]["disable"]
    assert not wanted.get("services")
    policy = policy_for(policies, repository, event)
    asked, limit = policy["resources"]["request"], policy["resources"]["limit"]
    steps: Sequence[Tree] = wanted["steps"]
    memory, cpu = _dealt(_bytes(asked["memory"]), len(steps), _CHUNK), _dealt(asked["cpu"], len(steps), 1)
    own = [str(volume["name"]) for volume in wanted.get("volumes", [])]
    containers = [
        {
            "name": f"drone-step-{number}",
            "image": environment["DRONE_IMAGE_PLACEHOLDER"],
            "command": list(SHELL[:2]),
            "args": [SHELL[2]],
            "env": [{"name": "DRONE_SCRIPT", "value": script(step)}],
            "workingDir": "/drone/src",
            "resources": {
                "requests": {"cpu": f"{cpu[number]}m", "memory": str(memory[number])},
                "limits": {"cpu": f"{limit['cpu']}m", "memory": str(_bytes(limit["memory"]))},
            },
            "securityContext": {"privileged": False, **({"runAsUser": step["user"]} if "user" in step else {})},
            "volumeMounts": [
                {"name": "workspace", "mountPath": "/drone/src"},
                {"name": "status", "mountPath": "/run/drone"},
                *({"name": each["name"], "mountPath": each["path"]} for each in step.get("volumes", [])),
            ],
        }
        for number, step in enumerate(steps)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "drone-build", "namespace": policy["metadata"]["namespace"]},
        "spec": {
            "serviceAccountName": policy["service_account"],
            "restartPolicy": "Never",
            "containers": containers,
            "volumes": [
                *({"name": name, "emptyDir": {}} for name in ("workspace", *own)),
                {
                    "name": "status",
                    "downwardAPI": {"items": [{"path": "env", "fieldRef": {"fieldPath": "metadata.annotations"}}]},
                },
            ],
        },
    }


def _bytes(amount: str) -> int:
    found = re.fullmatch(r"(\d+)([MG])iB", amount)
    assert found, amount
    return int(found[1]) * 1024 ** {"M": 2, "G": 3}[found[2]]


def _dealt(amount: int, places: int, unit: int) -> list[int]:
    """An amount in as many parts, which differ by one unit at most; each at least one unit."""
    whole, left = divmod(amount, places * unit)
    more = -(-left // unit)
    return [max(unit, whole * unit + (unit if number < more else 0)) for number in range(places)]

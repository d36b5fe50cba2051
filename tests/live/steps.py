"""The steps of a build, run here one after the other as a runner would, by stand-ins for the tools of their images."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rehearsal.drone.recording import Taken
from tests.live.site import Site

TOOLS: Final = ("buildctl", "cosign", "helm", "kubectl", "trivy")
DIGEST: Final = "sha256:" + "d1" * 32
_TOOL: Final = """#!/bin/sh
set -eu
name="$(basename "$0")"
pod="$(dirname "$(dirname "$0")")"
printf '%s\\n' "$name $*" >>"$pod/calls"
if [ -e "$pod/broken/$name" ]; then exit 1; fi
case "$name" in
kubectl) echo "a secret" ;;
buildctl)
    while [ "$1" != --metadata-file ]; do shift; done
    cat "$pod/built" >"$2"
    ;;
esac
case "$name" in buildctl | trivy | cosign) test -r "$DOCKER_CONFIG/config.json" ;; esac
"""


class Pod:
    """What a build's steps share: the tree that was cloned, and the folder with credentials."""

    def __init__(self, site: Site, taken: Taken, folder: Path, reference: str) -> None:
        """folder: made by this. reference: what Drone tells the clone of, such as refs/heads/main."""
        self.folder = folder
        for name in ("work", "credentials", "tools", "broken"):
            (folder / name).mkdir(parents=True)
        login, _, password = taken.netrc.partition(":")
        (folder / ".netrc").write_text(f"machine 127.0.0.1 login {login} password {password}\n")
        self.builds({"containerimage.digest": DIGEST, "image.name": "registry.example/game/portal"})
        for tool in TOOLS:
            (folder / "tools" / tool).write_text(_TOOL)
            (folder / "tools" / tool).chmod(0o700)
        self._environment = {
            "PATH": f"{folder / 'tools'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "DRONE_GIT_HTTP_URL": f"{site.gitea.url}/{taken.repository}.git",
            "DRONE_COMMIT_REF": reference,
            "DRONE_COMMIT_SHA": taken.commit,
        }

    def builds(self, metadata: Mapping[str, str]) -> None:
        """The daemon that builds images says this of what it built."""
        (self.folder / "built").write_text(json.dumps(metadata))

    def breaks(self, tool: str) -> None:
        """A tool fails from now on."""
        (self.folder / "broken" / tool).touch()

    @property
    def calls(self) -> list[str]:
        """What the tools were called with, in their order."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def runs(self, step: Mapping[str, Any]) -> bool:
        """Run one step. Gives whether it was a success."""
        return self.code(step) == 0

    def code(self, step: Mapping[str, Any]) -> int:
        """Run one step. Gives its code."""
        # A step without `commands` has its shell's one argument.
        commands = step.get("commands") or step["command"]
        script = "set -e\n" + "\n".join(str(command) for command in commands)
        script = script.replace("/credentials", str(self.folder / "credentials"))
        return subprocess.run(
            ["sh", "-c", script], cwd=self.folder / "work", env=self._environment, capture_output=True, check=False
        ).returncode

    def run(self, taken: Taken) -> list[str]:
        """Run a build's steps until one fails. Gives the names of those that were a success."""
        succeeded: list[str] = []
        for step in taken.steps:
            if not self.runs(step):
                break
            succeeded.append(str(step["name"]))
        return succeeded

"""The steps of a build, run here one after the other as a runner would, by stand-ins for the tools of their images."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from common.versions import Images
from local_game.delivery_site import DeliverySite
from rehearsal.drone.recording import Taken
from tests.support.kube_runner import SHELL, script

_IMAGES: Final = Images()
TOOLS: Final = {
    _IMAGES.buildkit: ("buildctl",),
    _IMAGES.kubernetes_tools: ("helm", "kubectl"),
    _IMAGES.trivy: ("trivy",),
}
"""What each image brings beside a shell. Cosign's own has none, so that no step can run in it."""
SECRET: Final = "a canary of a secret"
"""What the cluster's Secret holds."""
DIGEST: Final = "sha256:" + "d1" * 32
_TOOL: Final = """#!/bin/sh
set -eu
name="$(basename "$0")"
printf '%s\\n' "$name $*" >>"$POD/calls"
env >>"$POD/environment-of-$name"
if [ -e "$POD/broken/$name" ]; then exit 1; fi
case "$name $*" in
kubectl*) echo "SECRET" ;;
*type=local,dest=*)
    # What a Dockerfile takes out of an image comes back as a file.
    to="$(printf '%s' "$*" | sed 's/.*dest=//')"
    cp "$0" "$to/$(sed -n 's|^COPY --from=[^ ]*cosign/cosign:[^ ]* /ko-app/||p' "$to/Dockerfile" | cut -d ' ' -f 1)"
    ;;
buildctl*)
    while [ "$1" != --metadata-file ]; do shift; done
    cat "$POD/built" >"$2"
    ;;
esac
case "$name" in buildctl | trivy | cosign) test -r "$DOCKER_CONFIG/config.json" ;; esac
""".replace("SECRET", SECRET)


class Pod:
    """What a build's steps share: the tree that was cloned, and the folder with credentials."""

    def __init__(self, site: DeliverySite, taken: Taken, folder: Path, reference: str) -> None:
        """folder: made by this. reference: what Drone tells the clone of, such as refs/heads/main."""
        self.folder = folder
        for name in ("work", "credentials", "tools", "broken", "scratch"):
            (folder / name).mkdir(parents=True)
        login, _, password = taken.netrc.partition(":")
        self._first = taken.names[0]
        self._netrc = {"DRONE_NETRC_FILE": f"machine {taken.machine} login {login} password {password}"}
        self.builds({"containerimage.digest": DIGEST, "image.name": "registry.example/game/portal"})
        for image, tools in TOOLS.items():
            place = self._tools(image)
            place.mkdir()
            for tool in tools:
                (place / tool).write_text(_TOOL)
                (place / tool).chmod(0o700)
        self._environment = {
            "POD": str(folder),
            "HOME": str(folder),
            "TMPDIR": str(folder / "scratch"),
            # The cluster's name servers and network are not here: what is asked for at Gitea's address in the cluster
            # goes to the one of this machine, and what is asked for at any other nowhere.
            "http_proxy": site.gitea.url,
            "DRONE_GIT_HTTP_URL": taken.url,
            "DRONE_STAGE_STARTED": str(int(time.time())),
            "DRONE_COMMIT_REF": reference,
            "DRONE_COMMIT_SHA": taken.commit,
        }

    def builds(self, metadata: Mapping[str, str]) -> None:
        """The daemon that builds images says this of what it built."""
        (self.folder / "built").write_text(json.dumps(metadata))

    def has_run_for(self, seconds: int) -> None:
        """The build began so long ago."""
        self._environment["DRONE_STAGE_STARTED"] = str(int(time.time()) - seconds)

    def breaks(self, tool: str) -> None:
        """A tool fails from now on."""
        (self.folder / "broken" / tool).touch()

    @property
    def calls(self) -> list[str]:
        """What the tools were called with, in their order."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def sees(self, tool: str, secret: str) -> bool:
        """Whether a tool was handed a secret: by its arguments, its environment, or a file where it works."""
        handed = [call for call in self.calls if call.startswith(f"{tool} ")]
        handed.append((self.folder / f"environment-of-{tool}").read_text())
        files = [file for file in (self.folder / "work").rglob("*") if file.is_file()]
        return any(secret in text for text in handed) or any(secret.encode() in file.read_bytes() for file in files)

    def runs(self, step: Mapping[str, Any]) -> bool:
        """Run one step. Gives whether it was a success."""
        return self.code(step) == 0

    def code(self, step: Mapping[str, Any]) -> int:
        """Run one step. Gives its code."""
        environment = {
            **self._environment,
            # The runner gives the login to the first step alone.
            **(self._netrc if step["name"] == self._first else {}),
            "PATH": f"{self._tools(step['image'])}:{os.environ['PATH']}",
            "DRONE_SCRIPT": script(step).replace("/credentials", str(self.folder / "credentials")),
        }
        return subprocess.run(
            SHELL, cwd=self.folder / "work", env=environment, capture_output=True, check=False
        ).returncode

    def _tools(self, image: str) -> Path:
        return self.folder / "tools" / re.sub(r"[/:]", "-", image)

    def run(self, taken: Taken) -> list[str]:
        """Run a build's steps until one fails. Gives the names of those that were a success."""
        succeeded: list[str] = []
        for step in taken.steps:
            if not self.runs(step):
                break
            succeeded.append(str(step["name"]))
        return succeeded

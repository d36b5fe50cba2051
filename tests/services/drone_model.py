"""What Drone does with the extensions' answers, in a few lines, for tests that need no server.

Source: drone, trigger/trigger.go, plugin/config/combine.go and global.go; drone-go, plugin/internal/client/client.go;
drone-yaml, yaml/signer/signer.go; runner-go, pipeline/runtime/runner.go. The same is asked of the real server in
`tests/rehearsal` where the machine can build it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from game_app.services.guard.answer import Answer

Extension = Callable[[], Answer]


@dataclass(frozen=True)
class Build:
    """What becomes of a webhook."""

    status: str
    """none, error, blocked or running."""
    pipeline: str = ""


@dataclass(frozen=True)
class Drone:
    """A server with its two extensions; None is one that is not configured."""

    configure: Extension | None
    validate: Callable[[str], Answer] | None
    repository_secret: bytes = b"r" * 32
    protected: bool = True

    def webhook(self, in_the_pull_request: str) -> Build:
        """A pull request arrives whose `.drone.yml` is the one given."""
        served = self._served()
        if served is None:
            return Build("none")
        # An answer without a pipeline means: ask the repository.
        pipeline = served or in_the_pull_request
        verdict = 204 if self.validate is None else self.validate(pipeline).status
        if verdict > 299:
            return Build({498: "none", 499: "blocked"}.get(verdict, "error"))
        if self.protected and not self._is_signed(pipeline):
            return Build("blocked")
        return Build("running", pipeline)

    def _served(self) -> str | None:
        """What the configuration extension says: a pipeline, nothing (an empty text), or an error (None)."""
        if self.configure is None:
            return ""
        answered = self.configure()
        if answered.status > 299:
            return None
        if answered.status == 204:
            return ""
        try:
            return cast("dict[str, str]", json.loads(answered.body) or {}).get("data", "")
        except ValueError:
            return None

    def sign(self, pipeline: str) -> str:
        """The signature of all documents but signatures."""
        documents = [""]
        for line in pipeline.splitlines():
            if line.startswith("..."):
                break
            if line.startswith("---"):
                documents.append("")
            else:
                documents[-1] += line + "\n"
        signed = "".join(document for document in documents if not document.startswith("kind: signature\n"))
        return hmac.new(self.repository_secret, signed.encode(), hashlib.sha256).hexdigest()

    def _is_signed(self, pipeline: str) -> bool:
        found = re.search(r"^kind: signature\nhmac: (.+)$", pipeline, re.MULTILINE)
        return found is not None and hmac.compare_digest(found[1], self.sign(pipeline))


def substituted(pipeline: str, variables: Mapping[str, str]) -> str:
    """A pipeline as a runner fills it in before it reads it: `${NAME}` with what the build's author may have chosen."""
    return re.sub(r"\$\{(\w+)\}", lambda found: variables.get(found[1], ""), pipeline)

"""The pipelines as the guard gets them: templates for each kind of repository, and the list of repositories."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.templates import render
from common.versions import Images

BRANCH: Final = "main"
_FOLDER: Final = Path(__file__).parent / "pipelines"
_KINDS: Final = ("component", "team")
_EVENTS: Final = ("pull_request", "push")


@dataclass(frozen=True, kw_only=True)
class _Parameters:
    images: Images
    registry: str
    buildkit: str
    namespace: str


def pipeline_files(
    *,
    organisation: str,
    components: Sequence[str],
    teams: Sequence[str],
    registry: str,
    buildkit: str,
    namespace: str,
    images: Images,
) -> Mapping[str, str]:
    """The files of the guard's catalogue by name.

    organisation: owner of every repository that is built.
    components, teams: names of the repositories of each kind, without their owner.
    registry: folder in a container registry, such as registry.example.org/game, that components' images go to.
    buildkit: address of the BuildKit daemon, such as tcp://buildkit.ci-build:1234.
    namespace: where components are deployed.
    images: what their steps run in.
    """
    parameters = _Parameters(images=images, registry=registry, buildkit=buildkit, namespace=namespace)
    repositories = {f"{organisation}/{name}": "component" for name in components}
    repositories |= {f"{organisation}/{name}": "team" for name in teams}
    templates = {
        f"{kind}.{event}.yaml": render(_FOLDER / f"{kind}.{event}.yaml.j2", parameters)
        for kind in _KINDS
        for event in _EVENTS
    }
    return {"repositories.json": json.dumps({"branch": BRANCH, "repositories": repositories}, indent=1), **templates}

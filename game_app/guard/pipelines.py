"""The pipelines as the guard gets them: templates for each kind of repository, and the list of repositories."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import yaml

from common.templates import render
from common.versions import Images
from game_app.budget import BEFORE, READY

BRANCH: Final = "main"
_FOLDER: Final = Path(__file__).parent / "pipelines"
COMPONENT: Final = "component"
TEAM: Final = "team"
_KINDS: Final = (COMPONENT, TEAM)
_EVENTS: Final = ("pull_request", "push")


@dataclass(frozen=True, kw_only=True)
class _Parameters:
    images: Images
    source: str
    source_host: str
    registry: str
    buildkit: str
    namespace: str
    ready: int = READY
    before: int = BEFORE


def pipeline_files(
    *,
    organisation: str,
    components: Sequence[str],
    teams: Sequence[str],
    source: str,
    registry: str,
    buildkit: str,
    namespace: str,
    images: Images,
) -> Mapping[str, str]:
    """The files of the guard's catalogue by name.

    organisation: owner of every repository that is built.
    components, teams: names of the repositories of each kind, without their owner.
    source: where builds clone from, such as http://gitea.scm.svc.cluster.local:3000, without a slash at its end.
    registry: folder in a container registry, such as registry.example.org/game, that components' images go to.
    buildkit: address of the BuildKit daemon, such as tcp://buildkit.ci-build:1234.
    namespace: where components are deployed.
    images: what their steps run in.
    """
    parameters = _Parameters(
        images=images,
        source=source,
        source_host=str(urlsplit(source).hostname),
        registry=registry,
        buildkit=buildkit,
        namespace=namespace,
    )
    repositories = {f"{organisation}/{name}": COMPONENT for name in components}
    repositories |= {f"{organisation}/{name}": TEAM for name in teams}
    templates = {
        template_name(kind, event): render(_FOLDER / f"{kind}.{event}.yaml.j2", parameters)
        for kind in _KINDS
        for event in _EVENTS
    }
    return {"repositories.json": json.dumps({"branch": BRANCH, "repositories": repositories}, indent=1), **templates}


def template_name(kind: str, event: str) -> str:
    """The file with the pipeline of one kind of repository for one event."""
    return f"{kind}.{event}.yaml"


def containers(pipeline: str) -> int:
    """How many containers the pod has in which the runner runs a pipeline.

    Source: drone-runner-kube, engine/compiler/compiler.go
    """
    found = cast("dict[str, Any]", yaml.safe_load(pipeline))
    clones = not found.get("clone", {}).get("disable", False)
    return len(found["steps"]) + len(found.get("services", [])) + clones

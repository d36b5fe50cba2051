"""Files that the guard serves: a pipeline for each kind of repository and event, and the list of repositories."""

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
from game_app.build_limits import DEPLOY_DEADLINE_MINUTES, ROLLOUT_TIMEOUT_MINUTES
from game_app.cluster_addresses import BUILDKIT_URL, COMPONENTS_NAMESPACE
from game_app.services.pipeline_catalogue import CATALOGUE, EVENTS

BRANCH: Final = "main"
_FOLDER: Final = Path(__file__).parent / "pipelines"
COMPONENT: Final = "component"
TEAM: Final = "team"
_KINDS: Final = (COMPONENT, TEAM)


@dataclass(frozen=True, kw_only=True)
class _Parameters:
    images: Images
    source: str
    source_host: str
    registry: str
    buildkit: str = BUILDKIT_URL
    namespace: str = COMPONENTS_NAMESPACE
    rollout_timeout_minutes: int = ROLLOUT_TIMEOUT_MINUTES
    deploy_deadline_minutes: int = DEPLOY_DEADLINE_MINUTES


def pipeline_files(
    *,
    organisation: str,
    components: Sequence[str],
    teams: Sequence[str],
    source: str,
    registry: str,
    images: Images,
) -> Mapping[str, str]:
    """Files of the guard by name: `repositories.json` and the pipeline templates.

    organisation: owner of every repository that is built.
    components, teams: names of the repositories of each kind, without their owner.
    source: URL that builds clone from, such as http://gitea.scm.svc.cluster.local:3000, without a slash at its end.
    registry: folder in a container registry, such as registry.example.org/game, that components' images are pushed to.
    images: images of the pipelines' steps.
    """
    parameters = _Parameters(
        images=images,
        source=source,
        source_host=str(urlsplit(source).hostname),
        registry=registry,
    )
    repositories = {f"{organisation}/{name}": COMPONENT for name in components}
    repositories |= {f"{organisation}/{name}": TEAM for name in teams}
    templates = {
        template_name(kind, event): render(_FOLDER / f"{kind}.{event}.yaml.j2", parameters)
        for kind in _KINDS
        for event in EVENTS
    }
    return {CATALOGUE: json.dumps({"branch": BRANCH, "repositories": repositories}, indent=1), **templates}


def template_name(kind: str, event: str) -> str:
    """Name of the file with the pipeline of one kind of repository for one event."""
    return f"{kind}.{event}.yaml"


def containers(pipeline: str) -> int:
    """Number of containers of the pod in which the runner runs a pipeline.

    Source: drone-runner-kube, engine/compiler/compiler.go
    """
    read = cast("dict[str, Any]", yaml.safe_load(pipeline))
    clones = not read.get("clone", {}).get("disable", False)
    return len(read["steps"]) + len(read.get("services", [])) + clones

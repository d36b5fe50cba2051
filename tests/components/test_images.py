"""The images of the game: each from where the settings say, in every pod and every pipeline."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from common.versions import Images
from game_app.services.pipeline_catalogue import load
from tests.services import guards
from tests.services.guards import ask, pull_request, push
from tests.support import programs
from tests.support.monitor import Graph, run

MIRRORED = Images(
    **{
        each.name: f"mirror.example:5000/{each.name.replace('_', '-')}@sha256:{number:064x}"
        for number, each in enumerate(dataclasses.fields(Images))
    }
)
ELSEWHERE = {"kubectl", "alertmanager"}
"""What runs beside the game, in observability's pods."""


def of_the_game(images: Images) -> set[str]:
    return {image for name, image in dataclasses.asdict(images).items() if name not in ELSEWHERE}


ALL = of_the_game(MIRRORED)
STEPS = {getattr(MIRRORED, name) for name in ("git", "hadolint", "kubernetes_tools", "buildkit", "trivy", "cosign")}


def named(tree: object) -> Iterator[str]:
    """Every image that a tree of inputs names, in containers and in variables of the runners'."""
    if isinstance(tree, dict):
        given = cast("dict[str, Any]", tree)
        if str(given.get("name", "")).startswith("DRONE_IMAGE_"):
            yield given["value"]
        for key, value in given.items():
            if key == "image":
                yield value
            else:
                yield from named(value)
    elif isinstance(tree, list):
        for value in cast("list[object]", tree):
            yield from named(value)


def in_pipelines(graph: Graph) -> set[str]:
    files = graph["game-delivery-guard-pipelines"].inputs["data"]
    assert graph["game-scm-pipelines"].inputs["data"] == files
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    steps = {image for text in texts for image in named(yaml.safe_load(text))}
    # Some are not run, but something is taken out of them.
    return steps | {image for text in texts for image in re.findall(r"COPY --from=(\S+)", text)}


def test_every_pod_and_every_step_runs_what_the_settings_say(preview: bool) -> None:
    graph = run(lambda: programs.game_app_with_delivery(images=MIRRORED), preview=preview)
    in_pods = {image for resource in graph.resources.values() for image in named(dict(resource.inputs))}
    assert in_pipelines(graph) == STEPS
    assert in_pods | STEPS == ALL
    assert in_pods - ALL == set()


def test_what_nobody_replaced_is_pinned_by_the_tag_of_a_release(preview: bool) -> None:
    graph = run(programs.game_app_with_delivery, preview=preview)
    in_pods = {image for resource in graph.resources.values() for image in named(dict(resource.inputs))}
    assert in_pods | in_pipelines(graph) == of_the_game(Images())
    assert all(image.rpartition(":")[2] not in {"", "latest"} for image in in_pods)


@pytest.mark.parametrize("request_of", [pull_request, push])
@pytest.mark.parametrize("slug", guards.SLUGS)
def test_t16_the_guard_serves_and_takes_the_pipeline_with_these_digests_and_no_other(
    tmp_path: Path, slug: str, request_of: Any
) -> None:
    guard = guards.guard(tmp_path, guards.files(MIRRORED))
    request = request_of(slug)
    served = guards.pipeline(guard, request)
    assert set(named(yaml.safe_load(served.partition("\n---\n")[0]))) <= STEPS
    assert ask(guard, {**request, "config": {"data": served}}, "/validate").status == 204
    other = served.replace(MIRRORED.git, MIRRORED.git.replace("0", "1", 1))
    assert ask(guard, {**request, "config": {"data": other}}, "/validate").status == 400


def test_the_guards_catalogue_loads_with_digests_in_it(tmp_path: Path) -> None:
    catalogue = load(guards.write(tmp_path, guards.files(MIRRORED)))
    assert set(catalogue.pipelines) == {(slug, event) for slug in guards.SLUGS for event in ("pull_request", "push")}
    assert MIRRORED.git in json.dumps(list(catalogue.pipelines.values()))

"""Pipelines that the guard serves, as the program renders them: T11 and T24 of the attack suite."""

from __future__ import annotations

import re

import pytest
import yaml

from common.versions import Images
from game_app.build_limits import COMPONENT_BUILD_TIMEOUT_MINUTES
from tests.components.deliveries import delivery
from tests.support.monitor import Graph, graph_of


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(delivery, preview)


def test_t11_no_pipeline_asks_for_what_the_runner_gives_trusted_repositories_alone(graph: Graph) -> None:
    """Source: drone-runner-kube, engine/linter/linter.go"""
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        if name.endswith(".yaml"):
            pipeline = yaml.safe_load(text)
            assert not any(step.get("privileged") for step in pipeline["steps"]), name
            for volume in pipeline.get("volumes", []):
                assert set(volume) == {"name", "temp"}, name
                assert volume["temp"].get("medium") != "memory", name


def test_steps_that_share_credentials_run_as_the_user_who_wrote_them(graph: Graph) -> None:
    steps = yaml.safe_load(graph["delivery-guard-pipelines"].inputs["data"]["component.push.yaml"])["steps"]
    share = {step["name"]: step.get("user") for step in steps if step.get("volumes")}
    # The images of the two others run as root by themselves.
    assert share == {"credentials": None, "build": 0, "scan": None, "sign": 0}


def test_every_step_is_begun_by_its_images_own_shell(graph: Graph) -> None:
    """The runner gives every container /bin/sh for an entry point, and joins one that a step names to a command."""
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        for step in yaml.safe_load(text)["steps"] if name.endswith(".yaml") else ():
            assert step["commands"], name
            assert not {"entrypoint", "command"} & set(step), name
            assert step["image"] != Images().cosign, "it has none"


def test_t24_no_image_is_built_of_what_a_pull_request_holds(graph: Graph) -> None:
    files = graph["delivery-guard-pipelines"].inputs["data"]
    assert {name for name, text in files.items() if "buildctl" in text} == {"component.push.yaml"}


def test_a_build_clones_where_its_pods_may_go_and_nowhere_that_drone_says(graph: Graph) -> None:
    for name, text in graph["delivery-guard-pipelines"].inputs["data"].items():
        if name.endswith(".yaml"):
            [fetch] = [each for each in yaml.safe_load(text)["steps"][0]["commands"] if each.startswith("git fetch")]
            assert " http://gitea.scm.svc.cluster.local:3000/@owner@/@name@.git " in fetch, name
            assert "DRONE_GIT_HTTP_URL" not in text, name


def test_a_builds_time_is_enough_to_wait_for_its_pods_and_to_go_back(graph: Graph) -> None:
    steps = yaml.safe_load(graph["delivery-guard-pipelines"].inputs["data"]["component.push.yaml"])["steps"]
    deploy = "\n".join(steps[-1]["commands"])
    [waits] = re.findall(r"--atomic --timeout (\d+)m", deploy)
    [latest] = re.findall(r"DRONE_STAGE_STARTED\)\)\" -gt (\d+) ", deploy)
    assert int(latest) + 2 * 60 * int(waits) < 60 * COMPONENT_BUILD_TIMEOUT_MINUTES

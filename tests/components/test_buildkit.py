"""BuildKit daemon, as the program registers it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.components.deliveries import delivery
from tests.support.monitor import Graph, graph_of

GIGABYTE = 1000**3
GIBIBYTE = 1024**3


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(delivery, preview)


def configuration(graph: Graph) -> dict[str, Any]:
    return tomllib.loads(graph["delivery-buildkit-configuration"].inputs["data"]["buildkitd.toml"])


def test_its_cache_is_cleaned_before_its_volume_is_full(graph: Graph) -> None:
    spec = graph["delivery-buildkit-deployment"].inputs["spec"]["template"]["spec"]
    [limit] = [each["emptyDir"]["sizeLimit"] for each in spec["volumes"] if each["name"] == "state"]
    worker = configuration(graph)["worker"]["oci"]
    assert worker["gc"] is True
    assert int(worker["maxUsedSpace"].removesuffix("GB")) * GIGABYTE <= 0.7 * int(limit.removesuffix("Gi")) * GIBIBYTE
    assert int(worker["reservedSpace"].removesuffix("GB")) < int(worker["maxUsedSpace"].removesuffix("GB"))


def test_no_dockerfile_brings_the_program_that_reads_it(graph: Graph) -> None:
    assert configuration(graph)["frontend"]["gateway.v0"]["enabled"] is False


def test_the_daemon_reads_its_configuration_and_is_begun_anew_when_it_changes(graph: Graph) -> None:
    template = graph["delivery-buildkit-deployment"].inputs["spec"]["template"]
    [container] = template["spec"]["containers"]
    file = container["args"][container["args"].index("--config") + 1]
    folders = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volume = folders[file.removesuffix("/buildkitd.toml")]
    assert {"name": volume, "configMap": {"name": "configuration"}} in template["spec"]["volumes"]
    assert template["metadata"]["annotations"]["shambhala/files"]

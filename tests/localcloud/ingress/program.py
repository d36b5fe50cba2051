"""What the program puts onto a board for its Ingresses, as the mock engine and Helm render it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from rehearsal.charts.registry import STAND_INS
from tests.charts.official import helm
from tests.support.monitor import Graph, graph_of
from tests.unit.test_every_namespace import the_whole_game

Object = dict[str, Any]
NAMESPACE = "ingress"
BOARD = "blue"


@dataclass(frozen=True)
class Program:
    """Objects of the whole game."""

    ingresses: list[Object]
    services: list[Object]
    controller: list[Object]
    """Objects of the stand-in chart with the program's values."""

    def hosts(self) -> dict[str, str]:
        """Name of each Ingress to its host."""
        return {each["metadata"]["name"]: each["spec"]["rules"][0]["host"] for each in self.ingresses}


def rendered(scratch: Path) -> Program:
    graph = graph_of(the_whole_game, False)
    grafana = _release(graph, "observability-grafana-release", scratch)
    ingresses = [*_of(graph, "networking.k8s.io/v1:Ingress"), *(each for each in grafana if each["kind"] == "Ingress")]
    backends = {
        (each["metadata"]["namespace"], path["backend"]["service"]["name"])
        for each in ingresses
        for path in each["spec"]["rules"][0]["http"]["paths"]
    }
    services = [*_of(graph, "core/v1:Service"), *(each for each in grafana if each["kind"] == "Service")]
    return Program(
        ingresses,
        [each for each in services if (each["metadata"]["namespace"], each["metadata"]["name"]) in backends],
        _release(graph, f"board-{BOARD}-ingress-controller", scratch),
    )


def _of(graph: Graph, kind: str) -> list[Object]:
    return [_whole(each.inputs) for each in graph.of_type(f"kubernetes:{kind}")]


def _whole(value: Any) -> Any:
    """The mock engine's numbers all have a fraction, which Kubernetes does not take."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in cast("Object", value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in cast("list[Any]", value)]
    return int(value) if isinstance(value, float) else value


def _release(graph: Graph, name: str, scratch: Path) -> list[Object]:
    """Objects of a release from its stand-in chart."""
    release: Mapping[str, Any] = graph[name].inputs
    chart = str(release["chart"]).rpartition("/")[2]
    file = scratch / f"{name}.yaml"
    file.write_text(yaml.safe_dump(_whole(release["values"])))
    namespace = release["namespace"]
    printed = helm(
        scratch, "template", release["name"], str(STAND_INS / chart), "--values", str(file), "--namespace", namespace
    )
    objects: list[Object] = [each for each in yaml.safe_load_all(printed) if each]
    for each in objects:
        each["metadata"].setdefault("namespace", namespace)
    return objects

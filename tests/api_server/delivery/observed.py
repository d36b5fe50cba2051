"""Observability beside the game: its namespaces and network policies as the program makes them, and its pods.

Its charts would make a cluster of their own busy; for who reaches whom the pods' labels are all that counts.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from common.settings import Logs, Secret, SignIn
from tests.support import programs
from tests.support.monitor import run
from tests.unit.test_observability import NOTIFY, STORAGE, changed

PODS: Sequence[tuple[str, str, Mapping[str, str]]] = (
    ("observability", "grafana", {"app.kubernetes.io/name": "grafana"}),
    ("observability", "prometheus", {"app.kubernetes.io/name": "prometheus"}),
    ("observability", "alertmanager", {"app.kubernetes.io/name": "alertmanager"}),
    ("observability", "kube-state-metrics", {"app.kubernetes.io/name": "kube-state-metrics"}),
    ("observability", "loki", {"app.kubernetes.io/name": "loki", "app.kubernetes.io/component": "single-binary"}),
    ("observability", "gateway", {"app.kubernetes.io/name": "loki", "app.kubernetes.io/component": "gateway"}),
    ("logging", "logging-operator", {"app.kubernetes.io/name": "logging-operator"}),
    ("logging", "fluentd", {"app.kubernetes.io/name": "fluentd"}),
    ("logging", "fluentbit", {"app.kubernetes.io/name": "fluentbit"}),
)
"""Namespace, name, and the labels that the charts and the logging operator give."""
API = programs.API_ADDRESSES[0].removesuffix("/32")
"""Address of the API server that observability's network policies name."""
SETTINGS = changed(
    notify=NOTIFY,
    sign_in=SignIn.model_construct(provider="rancher", client_id="client", client_secret=Secret(programs.SECRET)),
    logs=Logs.model_construct(object_storage=STORAGE),
)
"""Everything that needs a way to the outside, and has one only where it is chosen."""
KINDS = {"Namespace": "v1", "NetworkPolicy": "networking.k8s.io/v1"}


def objects() -> list[dict[str, Any]]:
    """Everything as the API server would give it."""
    graph = run(lambda: programs.observability(SETTINGS), preview=False)
    given = [
        {"apiVersion": version, "kind": kind, **each.inputs}
        for kind, version in KINDS.items()
        for each in graph.resources.values()
        if each.type.endswith(f":{kind}")
    ]
    # The engine has no whole numbers, of which ports are.
    made: list[dict[str, Any]] = json.loads(json.dumps(given), parse_float=lambda text: int(float(text)))
    for each in made:
        if each["kind"] == "Namespace":
            each["metadata"]["labels"]["kubernetes.io/metadata.name"] = each["metadata"]["name"]
    numbers = itertools.count(2)
    return [*made, *(_pod(*each, f"100.65.200.{next(numbers)}") for each in PODS)]


def _pod(namespace: str, name: str, labels: Mapping[str, str], address: str) -> dict[str, Any]:
    status = {"phase": "Running", "hostIP": "10.0.0.3", "podIP": address, "podIPs": [{"ip": address}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"containers": [{"name": name, "image": "registry.example/part:1"}]},
        "status": status,
    }

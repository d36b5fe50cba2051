"""Data of a small event, as its components would emit it: for each metric and stream that there is, a few."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from observability.emitted import METRICS, Metric
from observability.loki import PLATFORM, TEAMS

HOURS = 4
STEP = 30
"""Seconds between two samples."""
TEAM_NAMES = ("red", "blue")
Labels = Mapping[str, str]

_VALUES: Mapping[str, Sequence[str]] = {
    "team": TEAM_NAMES,
    "step": ("1", "2"),
    "code": ("200", "500"),
    "le": ("5", "100", "+Inf"),
    "status": ("true",),
    "rcode": ("NOERROR", "NXDOMAIN"),
    "tenant": (PLATFORM, TEAMS),
    "type": ("used", "hard"),
    "phase": ("Running", "Pending", "Failed"),
    "node": ("scw-blue-1", "scw-blue-2"),
    "resource": ("pods", "memory"),
    "condition": ("Ready",),
    "alertstate": ("firing",),
    "reason": ("Error", "rate_limited"),
    "service": ("portal",),
    "resource_namespace": ("game",),
    "deployment": ("portal",),
    "pod": ("portal-5b7",),
    "namespace": ("game",),
    "alertname": ("TeamWithoutProgress",),
    "container": ("app",),
    "persistentvolumeclaim": ("storage-loki-0",),
}
_ELSEWHERE: Mapping[str, Mapping[str, Sequence[str]]] = {
    "kube_pod": {"namespace": ("game", "ci-team-red", "cd-team-red", "team-red")},
    "kube_resourcequota": {"namespace": ("team-red", "team-blue")},
    "container_": {"container": ("", "app"), "namespace": ("game",)},
    "drone_": {"namespace": ("delivery",)},
    "hunt_running": {},
}


def samples(now: float) -> str:
    """Every metric that there is, for some hours until now, in OpenMetrics' text form."""
    lines: list[str] = []
    times = [int(now) - HOURS * 3600 + STEP * number for number in range(HOURS * 3600 // STEP + 1)]
    for metric in METRICS.values():
        for number, labels in enumerate(series(metric)):
            written = ",".join(f'{name}="{value}"' for name, value in labels.items())
            lines += [
                f"{metric.name}{{{written}}} {_value(metric, labels, number, now, at, place)} {at}"
                for place, at in enumerate(times)
            ]
    return "\n".join([*lines, "# EOF", ""])


def series(metric: Metric) -> Generator[Labels]:
    """The labels of each of a metric's series."""
    nothing: Mapping[str, Sequence[str]] = {}
    own = next((values for name, values in _ELSEWHERE.items() if metric.name.startswith(name)), nothing)
    if "team" in metric.labels and "namespace" in metric.labels and not metric.name.startswith(("hunt", "ALERTS")):
        own = {**own, "team": ("red",)}
    choices = [own.get(name) or _VALUES.get(name) or (f"a-{name.replace('_', '-')}",) for name in metric.labels]
    for chosen in itertools.product(*choices):
        yield dict(zip(metric.labels, chosen, strict=True))


def _value(metric: Metric, labels: Labels, number: int, now: float, at: int, place: int) -> float:  # noqa: PLR0917
    """A sample: number of the series, time of the newest and of this sample, and how many came before it."""
    since = 3600 if labels.get("team") == "blue" else 300
    special = {
        "hunt_running": 1.0,
        "hunt_current_step": 2.0 + number,
        "hunt_last_progress_timestamp_seconds": float(at - since),
        "certmanager_certificate_expiration_timestamp_seconds": now + 40 * 86400,
        "kube_pod_start_time": now - 400,
        "kubelet_volume_stats_capacity_bytes": 1000.0,
        **dict.fromkeys(("ALERTS", "kube_node_status_condition", "kube_pod_status_phase"), 1.0),
        **dict.fromkeys(("machine_memory_bytes", "machine_cpu_cores", "container_fs_limit_bytes"), 1000.0),
        "kube_pod_container_resource_limits": 1000.0,
    }
    if metric.name in special:
        return special[metric.name]
    if metric.counter:
        below = {"5": 0.5, "100": 0.9}.get(labels.get("le", ""), 1.0)
        return round(place * (1 + number % 3) * below, 2)
    return 1000 if labels.get("type") == "hard" else 100 + 10 * (place % 20) + number


def streams(now: float) -> Mapping[str, Any]:
    """Lines of each tenant for Loki's push API, written over the last half hour."""

    def stream(labels: Labels, lines: Sequence[str]) -> Mapping[str, Any]:
        times = [int((now - 1800 + 1790 * number / len(lines)) * 1e9) for number in range(len(lines))]
        return {"stream": dict(labels), "values": [[str(at), line] for at, line in zip(times, lines, strict=True)]}

    def of(namespace: str, component: str, lines: Sequence[str], team: str = "none") -> Mapping[str, Any]:
        labels = {"namespace": namespace, "team": team, "component": component, "pod": f"{component}-5b7"}
        return stream(labels, [*lines] * 60)

    guard = [
        {"time": "t", "path": "/config", "status": 200, "reason": "served"},
        {"time": "t", "path": "/config", "status": 403, "reason": "a configuration of its own"},
    ]
    hunt = [{"time": "t", "level": "info", "event": "passed", "of_team": team, "step": 2} for team in TEAM_NAMES]
    return {
        PLATFORM: {
            "streams": [
                of("game", "portal", ["GET / 200", "error: no answer"]),
                of("guard", "guard", [json.dumps(line) for line in guard]),
                of("hunt", "hunt", [json.dumps(line) for line in hunt]),
                of("delivery", "drone", ["queued", "error: refused"]),
                of("runners", "untrusted", ["took a build"]),
            ]
        },
        TEAMS: {"streams": [of(f"team-{team}", "app", ["ready", "error: no database"], team) for team in TEAM_NAMES]},
    }


def now() -> float:
    """The time of the newest sample."""
    return time.time()

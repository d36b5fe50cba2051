"""Data of a small event, as its components would emit it: for each metric and stream that there is, a few."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from observability.loki import PLATFORM, TEAMS
from observability.metrics_catalog import METRICS, Metric

HOURS = 4
STEP = 30
"""Seconds between two samples."""
TEAM_NAMES = ("red", "blue", "green", "amber")
Labels = Mapping[str, str]

_VALUES: Mapping[str, Sequence[str]] = {
    "mountpoint": ("/",),
    "unit": ("certbot.service",),
    "timer": ("certbot.timer", "shambhala-nightly-backup.timer"),
    "team": TEAM_NAMES,
    "step": ("1", "2"),
    "code": ("200", "500"),
    "le": ("5", "25", "100", "500", "+Inf"),
    "status": ("true",),
    "rcode": ("NOERROR", "NXDOMAIN"),
    "tenant": (PLATFORM, TEAMS),
    "type": ("used", "hard"),
    "phase": ("Running", "Pending", "Failed"),
    "node": ("scw-blue-1", "scw-blue-2"),
    "resource": ("pods", "memory"),
    "condition": ("Ready",),
    "alertstate": ("firing",),
    "service": ("portal",),
    "resource_namespace": ("game",),
    "deployment": ("portal",),
    "pod": ("portal-5b7f9c6d44-x2x7q",),
    "namespace": ("game",),
    "alertname": ("TeamWithoutProgress",),
    "container": ("app",),
    "persistentvolumeclaim": ("storage-loki-0",),
    "thing": ("the account ada",),
}
_ELSEWHERE: Mapping[str, Mapping[str, Sequence[str]]] = {
    "component_pods_": {"component": ("portal", "tracker")},
    "kube_pod": {"namespace": ("game", "ci-team-red", "cd-team-red", "team-red")},
    "kube_resourcequota": {"namespace": tuple(f"team-{team}" for team in TEAM_NAMES)},
    "container_": {"container": ("", "app"), "namespace": ("game",)},
    "up": {"job": ("prometheus", "gamemaster")},
    "node_": {"job": ("gamemaster",)},
    "gamemaster_certificate_": {"job": ("gamemaster",), "name": ("hunt.example.org",)},
    "gamemaster_": {"job": ("gamemaster",)},
    "drone_": {"namespace": ("delivery",)},
    "hunt_running": {},
    "loki_discarded_": {"reason": ("rate_limited",)},
    "certmanager_": {"namespace": ("game", "observability"), "name": ("portal-tls", "grafana-tls")},
    "ALERTS": {"team": ("blue",), "severity": ("ticket",), "component": ("hunt",)},
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
        labels = dict(zip(metric.labels, chosen, strict=True))
        # What is no container's is the node's.
        yield labels | dict.fromkeys(("namespace", "pod", "team"), "") if labels.get("container") == "" else labels


_LEVELS: Mapping[str, float] = {
    "ALERTS": 1,
    "up": 1,
    "hunt_running": 1,
    "hunt_stuck_after_minutes": 45,
    "hunt_players": 5,
    "component_pods_": 2,
    "kube_deployment_": 2,
    "kube_statefulset_": 1,
    "kube_daemonset_": 2,
    "kube_node_status_condition": 1,
    "kube_pod_status_phase": 1,
    "kube_pod_container_resource_limits": 512e6,
    "kubelet_volume_stats_capacity_bytes": 20e9,
    "machine_memory_bytes": 8e9,
    "machine_cpu_cores": 4,
    "container_fs_limit_bytes": 50e9,
    "setup_fault": 1,
    "gamemaster_units_failed": 0,
    "gamemaster_unit_failed": 1,
    "gamemaster_timer_active": 1,
    "gamemaster_dns_answers": 1,
    "gamemaster_dns_serial": 2026112801,
    "gamemaster_k3s_ready": 1,
    "gamemaster_rancher_answers": 1,
    "node_filesystem_size_bytes": 20e9,
    "node_memory_MemTotal_bytes": 4e9,
}
"""What stays as it is."""
_WAVES: Mapping[str, float] = {
    "drone_": 4,
    "kubelet_volume_stats_available_bytes": 9e9,
    "container_fs_usage_bytes": 20e9,
    "fluentbit_": 3,
    "node_filesystem_avail_bytes": 9e9,
    "node_memory_MemAvailable_bytes": 1.5e9,
    "node_load1": 0.7,
}
"""What goes up and down around some value."""
_SLOPES: Mapping[str, float] = {
    "hunt_steps": 1 / 900,
    "hunt_checks": 1 / 600,
    "nginx_": 0.5,
    "coredns_": 9,
    "loki_distributor_": 20,
    "loki_discarded_": 0.1,
    "prometheus_sd_": 0.0,
    "kube_pod_container_status_restarts_total": 1 / 3000,
    "container_cpu_": 0.2,
}
"""What a counter gains in a second."""
_BELOW: Mapping[str, float] = {"5": 0.4, "25": 0.7, "100": 0.95, "500": 0.99}
"""Part of the answers that took no more milliseconds than the bucket's bound."""


def _value(metric: Metric, labels: Labels, number: int, now: float, at: int, place: int) -> float:  # noqa: PLR0917
    """A sample: number of the series, time of the newest and of this sample, and how many came before it."""
    name, wave = metric.name, 1 + 0.3 * math.sin(place / 25 + 2 * number)
    if metric.counter:
        seldom = 0.05 if labels.get("code") == "500" or labels.get("rcode") == "NXDOMAIN" else 1.0
        gained = _SLOPES[_like(name, _SLOPES)] * STEP * place * seldom * (1 + number % 4 / 4)
        # Counted in whole things, but for seconds of a processor and a part of a bucket.
        return round(gained * _BELOW.get(labels.get("le", ""), 1.0), 3)
    memory = 150e6 if labels.get("container") else 4e9
    hard = 20 if labels.get("resource") == "pods" else 4e9
    own = {
        "hunt_current_step": 2.0 + number % 3,
        "hunt_last_progress_timestamp_seconds": at - (3600 if labels.get("team") == "blue" else 300),
        "certmanager_certificate_expiration_timestamp_seconds": now + 40 * 86400,
        "kube_pod_start_time": now - 400,
        "gamemaster_certificate_expiration_timestamp_seconds": now + 60 * 86400,
        "gamemaster_dns_signature_expiration_timestamp_seconds": now + 9 * 86400,
        "gamemaster_backup_timestamp_seconds": now - 40000,
        "gamemaster_backup_copy_timestamp_seconds": now - 39990,
        "node_textfile_mtime_seconds": at - 20,
        "kube_resourcequota": hard if labels.get("type") == "hard" else round(hard * (0.3 + 0.2 * (number % 3))),
        "container_memory_working_set_bytes": round(wave * memory),
    }
    if name in own:
        return own[name]
    level = _like(name, _LEVELS, "")
    return _LEVELS[level] if level else round(wave * _WAVES[_like(name, _WAVES)])


def _like(name: str, choices: Mapping[str, float], other: str | None = None) -> str:
    found = next((prefix for prefix in choices if name.startswith(prefix)), other)
    assert found is not None, f"no value is made for {name}"
    return found


_OUTCOMES: Sequence[str] = ("success", "failure", "success", "success")


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
    builds = [
        {"time": "t", "ended": kind, "repository": f"game/team-{team}", "event": event, **more}
        for number, team in enumerate(TEAM_NAMES)
        for event, stage in (("pull_request", "check"), ("push", "deploy"))
        for kind, more in (
            ("step", {"stage": stage, "step": "clone", "outcome": "success", "seconds": 3 + number}),
            ("step", {"stage": stage, "step": "chart", "outcome": _OUTCOMES[number], "seconds": 9 + number}),
            ("build", {"outcome": _OUTCOMES[number], "seconds": 30 + number}),
        )
    ]
    hunt = [{"time": "t", "level": "info", "event": "passed", "of_team": team, "step": 2} for team in TEAM_NAMES]
    return {
        PLATFORM: {
            "streams": [
                of("game", "portal", ["GET / 200", "error: no answer"]),
                of("guard", "guard", [json.dumps(line) for line in [*guard, *builds]]),
                of("hunt", "hunt", [json.dumps(line) for line in hunt]),
                of("delivery", "drone", ["queued", "error: refused"]),
                of("runners", "runner-untrusted", ["took a build"]),
            ]
        },
        TEAMS: {"streams": [of(f"team-{team}", "app", ["ready", "error: no database"], team) for team in TEAM_NAMES]},
    }


def now() -> float:
    """The time of the newest sample."""
    return time.time()

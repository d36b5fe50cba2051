"""Metrics with their labels, and fields of the log lines that components write as JSON: all that dashboards may query.

A panel for a metric that nothing emits stays empty and looks as if all were well. The labels `pod`, `namespace` and
`component` come from the target that was scraped, the others from the program that emits the metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Metric:
    """Metric with its emitter and the labels that queries may use."""

    name: str
    source: str
    labels: Sequence[str] = ()
    counter: bool = False
    """Whether the value only grows until the emitter restarts."""


_PLACE: Final = ("namespace", "component", "pod", "job", "instance")
_NODE: Final = ("node", "job", "instance")
_STATE: Final = ("job", "instance", "team")
_LATENCY: Final = (
    *("namespace", "component", "pod", "job", "instance"),
    *("code", "upstream", "service", "resource_type", "resource_name", "resource_namespace"),
)
_RECORDED: Final = "Prometheus, from observability/metrics/alerts.yaml"
_INGRESS: Final = "nginx-ingress with controller.enableLatencyMetrics"
_HUNT: Final = "the hunt's page"
_SETUP: Final = "the set-up"
_DRONE: Final = "Drone with DRONE_PROMETHEUS_ANONYMOUS_ACCESS"

_GAMEMASTER: Final = "the game master (gamemaster/files/metrics.sh)"
_HOST: Final = ("job", "instance")

_METRICS: Final = (
    Metric("ALERTS", "Prometheus", ("alertname", "alertstate", "severity", "namespace", "team", "component", "pod")),
    Metric("up", "Prometheus", ("job", "instance")),
    # Source: discovery/kubernetes/metrics.go.
    Metric("prometheus_sd_kubernetes_failures_total", "Prometheus", ("job", "instance"), counter=True),
    Metric("hunt_stuck_after_minutes", "Prometheus, from the setting observability.stuckAfterMinutes"),
    Metric("component_pods_wanted", _RECORDED, ("namespace", "component")),
    Metric("component_pods_answering", _RECORDED, ("namespace", "component")),
    # The game master.
    *(
        Metric(f"node_{name}", "prometheus-node-exporter", (*_HOST, *labels))
        for name, labels in {
            "filesystem_avail_bytes": ("mountpoint",),
            "filesystem_size_bytes": ("mountpoint",),
            "memory_MemAvailable_bytes": (),
            "memory_MemTotal_bytes": (),
            "load1": (),
            "textfile_mtime_seconds": ("file",),
        }.items()
    ),
    *(
        Metric(f"gamemaster_{name}", _GAMEMASTER, (*_HOST, *labels))
        for name, labels in {
            "units_failed": (),
            "unit_failed": ("unit",),
            "timer_active": ("timer",),
            "certificate_expiration_timestamp_seconds": ("name",),
            "dns_answers": (),
            "dns_serial": (),
            "dns_signature_expiration_timestamp_seconds": (),
            "backup_timestamp_seconds": (),
            "backup_copy_timestamp_seconds": (),
            "k3s_ready": (),
            "rancher_answers": (),
        }.items()
    ),
    # The game itself.
    Metric("hunt_running", _HUNT, _PLACE),
    Metric("hunt_players", _HUNT, (*_PLACE, "team")),
    Metric("hunt_current_step", _HUNT, (*_PLACE, "team")),
    Metric("hunt_last_progress_timestamp_seconds", _HUNT, (*_PLACE, "team")),
    Metric("hunt_steps_started_total", _HUNT, (*_PLACE, "team", "step"), counter=True),
    Metric("hunt_steps_passed_total", _HUNT, (*_PLACE, "team", "step"), counter=True),
    Metric("hunt_checks_failed_total", _HUNT, (*_PLACE, "team", "step"), counter=True),
    # The set-up of the source control and of Drone.
    Metric("setup_faults", _SETUP, _PLACE),
    Metric("setup_fault", _SETUP, (*_PLACE, "thing")),
    # Drone's own names; source: its package metric.
    Metric("drone_pending_jobs", _DRONE, _PLACE),
    Metric("drone_running_jobs", _DRONE, _PLACE),
    # Source: internal/metrics/collectors of the controller.
    *(
        Metric(f"nginx_ingress_controller_upstream_server_response_latency_ms_{part}", _INGRESS, labels, counter=True)
        for part, labels in (("bucket", (*_LATENCY, "le")), ("count", _LATENCY), ("sum", _LATENCY))
    ),
    Metric(
        "certmanager_certificate_expiration_timestamp_seconds",
        "cert-manager",
        (*_PLACE, "name", "issuer_name", "issuer_kind", "issuer_group"),
    ),
    # Source: docs/metrics of kube-state-metrics.
    *(
        Metric(f"kube_{kind}_{what}", "kube-state-metrics", (*_STATE, "namespace", kind))
        for kind, wanted, answering in (
            ("deployment", "spec_replicas", "status_replicas_available"),
            ("statefulset", "replicas", "status_replicas_available"),
            ("daemonset", "status_desired_number_scheduled", "status_number_available"),
        )
        for what in (wanted, answering)
    ),
    Metric("kube_node_status_condition", "kube-state-metrics", ("job", "instance", "node", "condition", "status")),
    Metric("kube_pod_start_time", "kube-state-metrics", (*_STATE, "namespace", "pod")),
    Metric("kube_pod_status_phase", "kube-state-metrics", (*_STATE, "namespace", "pod", "phase")),
    Metric(
        "kube_pod_container_status_restarts_total",
        "kube-state-metrics",
        (*_STATE, "namespace", "pod", "container"),
        counter=True,
    ),
    Metric(
        "kube_pod_container_resource_limits",
        "kube-state-metrics",
        (*_STATE, "namespace", "pod", "container", "node", "resource", "unit"),
    ),
    Metric("kube_resourcequota", "kube-state-metrics", (*_STATE, "namespace", "resourcequota", "resource", "type")),
    # Source: the kubelet's and cAdvisor's documentation of their metrics.
    *(
        Metric(f"kubelet_volume_stats_{part}_bytes", "kubelet", (*_NODE, "namespace", "persistentvolumeclaim"))
        for part in ("capacity", "available")
    ),
    Metric(
        "container_cpu_usage_seconds_total", "kubelet", (*_NODE, "namespace", "pod", "container", "team"), counter=True
    ),
    Metric("container_memory_working_set_bytes", "kubelet", (*_NODE, "namespace", "pod", "container", "team")),
    Metric("container_fs_usage_bytes", "kubelet", (*_NODE, "namespace", "pod", "container", "device", "team")),
    Metric("container_fs_limit_bytes", "kubelet", (*_NODE, "namespace", "pod", "container", "device", "team")),
    Metric("machine_memory_bytes", "kubelet", _NODE),
    Metric("machine_cpu_cores", "kubelet", _NODE),
    Metric(
        "coredns_dns_responses_total",
        "CoreDNS",
        ("pod", "job", "instance", "server", "zone", "view", "rcode", "plugin"),
        counter=True,
    ),
    Metric("loki_distributor_lines_received_total", "Loki", ("job", "instance", "tenant"), counter=True),
    Metric("loki_discarded_samples_total", "Loki", ("job", "instance", "tenant", "reason"), counter=True),
    Metric("fluentbit_input_storage_chunks", "Fluent Bit", (*_PLACE, "name")),
)
METRICS: Final[Mapping[str, Metric]] = {metric.name: metric for metric in _METRICS}

FIELDS: Final[Mapping[str, Sequence[str]]] = {
    # The first of its answers, the others of builds and their steps (game_app/services/guard/build_results.py).
    "guard": (
        *("time", "path", "status", "reason"),
        *("ended", "repository", "event", "stage", "step", "outcome", "seconds"),
    ),
    # Not `team`: every line has a label of that name, which says who wrote it and hides a field of the same name.
    "hunt": ("time", "level", "event", "of_team", "step"),
}
"""Component to the fields of its log lines, each of which is one JSON object."""

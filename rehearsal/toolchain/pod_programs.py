"""Programs that run in the pods of a board whose node is real, and how each is built from source."""

from __future__ import annotations

from rehearsal.toolchain.catalogue import (
    COREDNS,
    KUBERNETES_VERSION,
    PAUSE,
    PROMETHEUS,
    PROMETHEUS_COMMON,
    Program,
    Source,
    required,
)

_ALERTMANAGER = "github.com/prometheus/alertmanager"
_ALERTMANAGER_VERSION = required("alertmanager", _ALERTMANAGER)
ALERTMANAGER = Source(
    module="alertmanager",
    version=_ALERTMANAGER_VERSION,
    programs=(
        Program(
            "alertmanager",
            package=f"{_ALERTMANAGER}/cmd/alertmanager",
            variables=((f"{PROMETHEUS_COMMON}/version.Version", _ALERTMANAGER_VERSION),),
        ),
    ),
)
_STATE_METRICS = "k8s.io/kube-state-metrics/v2"
KUBE_STATE_METRICS = Source(
    module="kube_state_metrics",
    version=required("kube_state_metrics", _STATE_METRICS),
    programs=(Program("kube-state-metrics", package=_STATE_METRICS),),
    called="kube-state-metrics",
)
_LOGGING_OPERATOR = "github.com/kube-logging/logging-operator"
LOGGING_OPERATOR = Source(
    module="logging_operator",
    version=required("logging_operator", _LOGGING_OPERATOR),
    programs=(Program("logging-operator", package=_LOGGING_OPERATOR),),
)
KUBECTL = Source(
    module="control_plane",
    version=KUBERNETES_VERSION,
    programs=(
        Program(
            "kubectl",
            package="k8s.io/kubernetes/cmd/kubectl",
            variables=(("k8s.io/component-base/version.gitVersion", f"v{KUBERNETES_VERSION}"),),
        ),
    ),
    called="kubectl",
)
"""kubectl alone: the control plane's binary takes more memory at its start than pods of kubectl may have."""
_CERT_MANAGER = "github.com/cert-manager/cert-manager"
CERT_MANAGER = Source(
    module="cert_manager",
    version=required("cert_manager", _CERT_MANAGER),
    programs=(
        Program(
            "cert-manager",
            variables=((f"{_CERT_MANAGER}/pkg/util.AppVersion", f"v{required('cert_manager', _CERT_MANAGER)}"),),
        ),
    ),
    called="cert-manager",
)
STAND_IN = Source(module="stand_in", version="1", programs=(Program("stand-in"),))
"""What pods run in the place of a program that cannot be had."""

PODS = (
    *(COREDNS, PAUSE, KUBECTL, PROMETHEUS, ALERTMANAGER, KUBE_STATE_METRICS, LOGGING_OPERATOR, CERT_MANAGER),
    STAND_IN,
)
"""What the pods of a board run where containers do."""

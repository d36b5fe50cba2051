"""Each alert, run by Prometheus' own rule tester: when it must fire, when not yet, and what must never wake anybody."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from observability.metrics_catalog import METRICS
from observability.prometheus import alerts, scraping
from tests.observability.languages import metrics_of
from tests.observability.servers import Server

# Long enough for Prometheus to be built first.
pytestmark = pytest.mark.timeout(1800)

ALERTS: Final = alerts(stuck_after_minutes=45)
RULES: Final[Sequence[Mapping[str, Any]]] = [rule for rule in ALERTS["groups"][0]["rules"] if "alert" in rule]
NAMES = [rule["alert"] for rule in RULES]
_PORTAL = 'namespace="game", deployment="portal"'
RECORDED: Final[Sequence[Mapping[str, Any]]] = [rule for rule in ALERTS["groups"][0]["rules"] if "record" in rule]
_DAY = 86400
_CERTIFICATE = 'certmanager_certificate_expiration_timestamp_seconds{namespace="ingress", name="wildcard"}'
_GAME_MASTER = 'job="gamemaster", instance="10.20.0.2:9100"'
_DISK = f'{_GAME_MASTER}, mountpoint="/"'
_TICKET = {"severity": "ticket"}
_VOLUME = 'namespace="observability", persistentvolumeclaim="storage-loki-0"'

# Alert: what goes wrong, one sample a minute; minute before and after it fires; labels that it fires with.
FIRES: Final[Mapping[str, tuple[Mapping[str, str], int, int, Mapping[str, str]]]] = {
    "ComponentDown": (
        {
            f"kube_deployment_status_replicas_available{{{_PORTAL}}}": "2x4 0x20",
            f"kube_deployment_spec_replicas{{{_PORTAL}}}": "2x30",
        },
        7,
        10,
        {"namespace": "game", "component": "portal", "severity": "page"},
    ),
    "BuildQueueStuck": (
        {"drone_pending_jobs": "0x4 7x30", "drone_running_jobs": "3x40"},
        12,
        18,
        {"severity": "page"},
    ),
    "CertificateNotRenewed": (
        # With promtool time begins at 0.
        {_CERTIFICATE: f"{9 * _DAY}x90"},
        58,
        62,
        {"namespace": "ingress", "name": "wildcard", "severity": "ticket"},
    ),
    "VolumeNearlyFull": (
        {
            f"kubelet_volume_stats_available_bytes{{{_VOLUME}}}": "50x4 5x20",
            f"kubelet_volume_stats_capacity_bytes{{{_VOLUME}}}": "100x30",
        },
        9,
        12,
        {"namespace": "observability", "persistentvolumeclaim": "storage-loki-0", "severity": "page"},
    ),
    "TeamWithoutProgress": (
        {
            'hunt_last_progress_timestamp_seconds{team="red"}': "0x90",
            'hunt_last_progress_timestamp_seconds{team="blue"}': "0+60x90",
            "hunt_running": "1x90",
        },
        45,
        48,
        {"team": "red", "severity": "ticket"},
    ),
    "SetUpRefused": (
        {'setup_fault{namespace="scm", component="gitea", thing="the account ada"}': "1x30"},
        4,
        6,
        {"namespace": "scm", "component": "gitea", "thing": "the account ada", "severity": "page"},
    ),
    "KubernetesApiUnreachable": (
        {'prometheus_sd_kubernetes_failures_total{job="prometheus", instance="localhost:9090"}': "3x4 5+2x30"},
        13,
        17,
        {"severity": "page"},
    ),
    "GameMasterUnreachable": ({f"up{{{_GAME_MASTER}}}": "1x4 0x20"}, 5, 7, {"severity": "page"}),
    "GameMasterDiskNearlyFull": (
        {f"node_filesystem_avail_bytes{{{_DISK}}}": "3x4 1x20", f"node_filesystem_size_bytes{{{_DISK}}}": "20x30"},
        5,
        7,
        {"severity": "page"},
    ),
    "GameMasterMemoryLow": (
        {
            f"node_memory_MemAvailable_bytes{{{_GAME_MASTER}}}": "3x4 0.2x20",
            f"node_memory_MemTotal_bytes{{{_GAME_MASTER}}}": "4x30",
        },
        5,
        7,
        {"severity": "page"},
    ),
    "GameMasterUnitFailed": (
        {'gamemaster_unit_failed{unit="shambhala-nightly-backup.service"}': "_x5 1x20"},
        5,
        7,
        {"unit": "shambhala-nightly-backup.service", "severity": "ticket"},
    ),
    "GameMasterTimerStopped": (
        {'gamemaster_timer_active{timer="certbot.timer"}': "1x4 0x20"},
        5,
        7,
        {"timer": "certbot.timer", "severity": "ticket"},
    ),
    "GameMasterCertificateEnds": (
        {'gamemaster_certificate_expiration_timestamp_seconds{name="hunt"}': f"{20 * _DAY + 300}x30"},
        5,
        8,
        {"name": "hunt", "severity": "ticket"},
    ),
    "ZoneNotAnswered": ({"gamemaster_dns_answers": "1x4 0x20"}, 5, 7, {"severity": "page"}),
    "ZoneSignaturesEnd": (
        {"gamemaster_dns_signature_expiration_timestamp_seconds": f"{3 * _DAY + 300}x30"},
        5,
        8,
        {"severity": "page"},
    ),
    "BackupTooOld": ({"gamemaster_backup_timestamp_seconds": f"{300 - 26 * 3600}x30"}, 5, 8, {"severity": "ticket"}),
    "RancherDown": ({"gamemaster_k3s_ready": "1x4 0x20", "gamemaster_rancher_answers": "1x30"}, 5, 7, _TICKET),
    "GameMasterNumbersOld": ({f"node_textfile_mtime_seconds{{{_GAME_MASTER}}}": "0+60x4 240x20"}, 5, 8, _TICKET),
    "LogsLost": (
        {'loki_discarded_samples_total{tenant="teams", reason="rate_limited"}': "0x4 0+10x30"},
        4,
        14,
        {"tenant": "teams", "reason": "rate_limited", "severity": "ticket"},
    ),
}

# What looks alike and must wake nobody.
QUIET: Final[Mapping[str, Mapping[str, str]]] = {
    "ComponentDown": {
        # Scaled to nothing on purpose, and a team's own.
        f"kube_deployment_status_replicas_available{{{_PORTAL}}}": "0x90",
        f"kube_deployment_spec_replicas{{{_PORTAL}}}": "0x90",
        'kube_deployment_status_replicas_available{namespace="team-red", deployment="app"}': "0x90",
        'kube_deployment_spec_replicas{namespace="team-red", deployment="app"}': "1x90",
    },
    # Long, but moving.
    "BuildQueueStuck": {
        "drone_pending_jobs": "50x90",
        "drone_running_jobs": "3 2 3 4 3 2 3 4 3 2" + 8 * " 3 2 3 4 3 2 3 4 3 2",
    },
    "CertificateNotRenewed": {_CERTIFICATE: f"{30 * _DAY}x90"},
    "VolumeNearlyFull": {
        f"kubelet_volume_stats_available_bytes{{{_VOLUME}}}": "20x90",
        f"kubelet_volume_stats_capacity_bytes{{{_VOLUME}}}": "100x90",
    },
    # The hunt is over.
    "TeamWithoutProgress": {'hunt_last_progress_timestamp_seconds{team="red"}': "0x90", "hunt_running": "0x90"},
    # Two runs in a row met a Gitea that began anew; then there was nothing to tell.
    "SetUpRefused": {'setup_fault{namespace="scm", component="gitea", thing="the source control"}': "1x2 stale"},
    # An upgrade of the control plane, and what has failed before.
    "KubernetesApiUnreachable": {"prometheus_sd_kubernetes_failures_total": "3x4 5 7 9 9x83"},
    "GameMasterUnreachable": {f"up{{{_GAME_MASTER}}}": "1x90"},
    "GameMasterDiskNearlyFull": {
        f"node_filesystem_avail_bytes{{{_DISK}}}": "3x90",
        f"node_filesystem_size_bytes{{{_DISK}}}": "20x90",
    },
    "GameMasterMemoryLow": {
        f"node_memory_MemAvailable_bytes{{{_GAME_MASTER}}}": "1x90",
        f"node_memory_MemTotal_bytes{{{_GAME_MASTER}}}": "4x90",
    },
    # A unit that failed once and was started again.
    "GameMasterUnitFailed": {'gamemaster_unit_failed{unit="certbot.service"}': "1x1 stale"},
    "GameMasterTimerStopped": {'gamemaster_timer_active{timer="certbot.timer"}': "1x90"},
    "GameMasterCertificateEnds": {
        'gamemaster_certificate_expiration_timestamp_seconds{name="hunt"}': f"{30 * _DAY}x90"
    },
    "ZoneNotAnswered": {"gamemaster_dns_answers": "1x90"},
    "ZoneSignaturesEnd": {"gamemaster_dns_signature_expiration_timestamp_seconds": f"{6 * _DAY}x90"},
    "BackupTooOld": {
        "gamemaster_backup_timestamp_seconds": "0x90",
        "gamemaster_backup_copy_timestamp_seconds": "0x90",
    },
    "RancherDown": {"gamemaster_k3s_ready": "1x90", "gamemaster_rancher_answers": "1x90"},
    "GameMasterNumbersOld": {f"node_textfile_mtime_seconds{{{_GAME_MASTER}}}": "0+60x90"},
    "LogsLost": {'loki_discarded_samples_total{tenant="teams", reason="rate_limited"}': "7x90"},
}


def firing(
    programs: Path, folder: Path, name: str, series: Mapping[str, str], expected: Mapping[int, list[Any]]
) -> None:
    """Let promtool say whether an alert fires as expected: minute to labels of what fires then."""
    (folder / "alerts.yml").write_text(yaml.safe_dump(dict(ALERTS)))
    case = {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": which, "values": values} for which, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f'sum by ({", ".join(labels)}) (ALERTS{{alertname="{name}", alertstate="firing"}})'
                        if labels
                        else f'ALERTS{{alertname="{name}", alertstate="firing"}}',
                        "eval_time": f"{minute}m",
                        "exp_samples": [{"labels": _written(labels), "value": 1}] if labels else [],
                    }
                    for minute, [labels] in expected.items()
                ],
            }
        ],
    }
    (folder / "case.yml").write_text(yaml.safe_dump(case))
    done = subprocess.run(
        [programs / "promtool", "test", "rules", "case.yml"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _written(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}"


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_fires_when_it_must_and_not_before(name: str, prometheus_programs: Path, tmp_path: Path) -> None:
    series, quiet, loud, labels = FIRES[name]
    firing(prometheus_programs, tmp_path, name, series, {quiet: [{}], loud: [labels]})


@pytest.mark.parametrize(
    ("kind", "wanted", "answering"),
    [
        ("deployment", "kube_deployment_spec_replicas", "kube_deployment_status_replicas_available"),
        ("statefulset", "kube_statefulset_replicas", "kube_statefulset_status_replicas_available"),
        ("daemonset", "kube_daemonset_status_desired_number_scheduled", "kube_daemonset_status_number_available"),
    ],
)
def test_a_component_of_any_kind_that_is_down_wakes_somebody(
    kind: str, wanted: str, answering: str, prometheus_programs: Path, tmp_path: Path
) -> None:
    labels = f'namespace="observability", {kind}="loki"'
    series = {f"{answering}{{{labels}}}": "1x4 0x20", f"{wanted}{{{labels}}}": "1x30"}
    down = {"namespace": "observability", "component": "loki"}
    firing(prometheus_programs, tmp_path, "ComponentDown", series, {7: [{}], 10: [down]})


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_lets_people_sleep(name: str, prometheus_programs: Path, tmp_path: Path) -> None:
    firing(prometheus_programs, tmp_path, name, QUIET[name], {minute: [{}] for minute in (10, 50, 80)})


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_asks_only_for_what_something_emits(rule: Mapping[str, Any], prometheus: Server) -> None:
    for asked in metrics_of(prometheus, rule["expr"]):
        assert asked.labels <= {*METRICS[asked.metric].labels}, asked


@pytest.mark.parametrize("rule", RECORDED, ids=[rule["record"] for rule in RECORDED])
def test_what_is_recorded_is_known_and_made_of_what_something_emits(
    rule: Mapping[str, Any], prometheus: Server
) -> None:
    assert rule["record"] in METRICS
    assert {asked.metric for asked in metrics_of(prometheus, rule["expr"])} <= METRICS.keys()


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_says_what_to_do(rule: Mapping[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert len(rule["annotations"]["runbook"]) > 60
    # Dashboards that it sends somebody to.
    for title in re.findall(r'[Dd]ashboard "([^"]+)"', rule["annotations"]["runbook"]):
        assert title in ("One component", "Builds and deployments", "A team", "The board", "The game master")


def test_prometheus_takes_its_configuration(prometheus_programs: Path, tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(dict(scraping(["10.20.0.2:9100"]))))
    subprocess.run([prometheus_programs / "promtool", "check", "config", "--syntax-only", file], check=True)

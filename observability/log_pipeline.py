"""Log pipeline: the logging operator, Fluent Bit on each node, and Fluentd, which pushes to Loki."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from common.helm import Charts
from common.kubernetes_api import ApiServer
from common.namespaces import SecureNamespace, SecureNamespaceArgs
from common.naming import OBSERVABILITY_NAMESPACE, labels
from common.network_policies import (
    NetworkRule,
    allow_dns_egress,
    allow_egress,
    allow_kubernetes_api_egress,
    allow_metrics_scrape,
    pods_of,
    ports,
    same_namespace,
)
from common.settings import Observability
from common.templates import render
from observability import flows
from observability.immutable_secret import immutable_secret
from observability.loki import PLATFORM, TEAMS, USER
from observability.rollout import REVISION, Rollout, RolloutArgs, revision
from observability.sizing import quota, resources
from observability.team_rate import rate_limit, team_rate

NAMESPACE = "logging"
_AGENT = Path(__file__).parent / "agent"
_NAME = "logs"
"""Name of the operator's objects: the aggregator is the StatefulSet logs-fluentd, the agents are logs-fluentbit."""
METRICS_PORT = 2020
"""Port of an agent's metrics."""
_AGGREGATOR_PORT = 24240
_AGGREGATOR_METRICS_PORT = 24231
_AGGREGATOR_VOLUME_GB = 10
_ROLLOUT_SECONDS = 300


@dataclass(frozen=True)
class _Agent:
    namespace: str
    aggregator: str
    metrics_port: int
    buffer_size: str


@dataclass(frozen=True, kw_only=True)
class LogPipelineArgs:
    """Settings of observability, and outputs of Loki and of the board."""

    settings: Observability
    charts: Charts
    kubectl: str
    """Image of kubectl, which waits for the roll-out."""
    loki_url: pulumi.Input[str]
    nodes: int
    """Most nodes that the board may have."""
    api: ApiServer
    """The board's own Kubernetes API, as pods reach it."""


class LogPipeline(pulumi.ComponentResource):
    """Log pipeline that drops secrets on the node, labels each line with its owner, and buffers on disks for Loki."""

    ready: pulumi.Output[str]
    """Known once every agent and the aggregator are ready."""

    def __init__(self, name: str, args: LogPipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:LogPipeline", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        players = args.settings.players
        parts = {"logging-operator": 1, "fluentd": 1, "fluent-bit": args.nodes}
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=NAMESPACE,
                app=NAMESPACE,
                # The agents read the nodes' log files, which no stricter standard allows.
                pod_security="privileged",
                quota=quota(parts, players, volume_claims=1),
                network_rules=network_rules(args.api),
            ),
            opts=child,
        ).name
        operator = args.charts.release(
            "logging-operator",
            name=f"{name}-operator",
            namespace=namespace,
            values=operator_values(players),
            # The chart's templates have the CRDs as well, so that an upgrade of the chart upgrades them too.
            skip_crds=True,
            opts=child,
        )
        password = immutable_secret(
            f"{name}-loki", namespace, {flows.PASSWORD: args.settings.loki_password.output}, child
        )
        configuration = agent_configuration(team_rate(args.settings, args.nodes))
        version = revision(configuration)[:10]
        agent = k8s.core.v1.Secret(
            f"{name}-agent",
            # A new configuration has a new name: the operator does not watch a Secret that it did not write.
            metadata={"name": f"agent-{version}", "namespace": namespace},
            string_data=dict(configuration),
            opts=child,
        )
        aggregator, node = aggregator_spec(players), agent_spec(f"agent-{version}", players)
        revisions = revision(aggregator)[:10], revision(node)[:10]
        aggregator["fluentd"]["statefulsetAnnotations"] = {REVISION: revisions[0]}
        node["daemonsetAnnotations"] = {REVISION: revisions[1]}
        made = [
            self._object(f"{name}-logging", "Logging", _NAME, aggregator, after=[operator]),
            self._object(f"{name}-agents", "FluentbitAgent", _NAME, node, after=[operator, agent]),
        ]
        for tenant in (PLATFORM, TEAMS):
            spec = pulumi.Output.all(args.loki_url, password).apply(
                lambda known, tenant=tenant: output(tenant, *known).spec()
            )
            made.append(self._object(f"{name}-to-{tenant}", "ClusterOutput", tenant, spec, namespace, after=[operator]))
        for flow in flows_to_loki():
            made.append(
                self._object(
                    f"{name}-of-{flow.name}", "ClusterFlow", flow.name, flow.spec(), namespace, after=[operator]
                )
            )
        rollout = Rollout(
            f"{name}-rollout",
            RolloutArgs(
                image=args.kubectl,
                namespace=namespace,
                workloads=dict(
                    zip((f"statefulset/{_NAME}-fluentd", f"daemonset/{_NAME}-fluentbit"), revisions, strict=True)
                ),
                timeout=_ROLLOUT_SECONDS,
                after=made,
            ),
            opts=child,
        )
        self.ready = rollout.done
        self.register_outputs({"ready": self.ready})

    def _object(
        self,
        name: str,
        kind: str,
        metadata_name: str,
        spec: pulumi.Input[Mapping[str, Any]],
        namespace: pulumi.Input[str] | None = None,
        *,
        after: Sequence[pulumi.Resource],
    ) -> k8s.apiextensions.CustomResource:
        """One of the operator's objects; some belong to a namespace.

        after: the operator, which brings the kind, and Secrets that the object names.
        """
        place = {} if namespace is None else {"namespace": namespace}
        return k8s.apiextensions.CustomResource(
            name,
            api_version=flows.API,
            kind=kind,
            metadata={"name": metadata_name, **place, "labels": dict(labels(NAMESPACE))},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )


def network_rules(api: ApiServer) -> Sequence[NetworkRule]:
    """Network of the operator, the agents and the aggregator."""
    gateway = pods_of(OBSERVABILITY_NAMESPACE, "loki", "gateway")
    aggregator = same_namespace({"app.kubernetes.io/name": "fluentd"})
    return [
        allow_dns_egress(),
        # The operator's work, the names of the pods that lines come from, and the wait for the roll-out.
        allow_kubernetes_api_egress(api),
        NetworkRule(
            name="allow-log-forwarding",
            egress=[{"to": [aggregator], "ports": ports(_AGGREGATOR_PORT)}],
            ingress=[{"from_": [same_namespace()], "ports": ports(_AGGREGATOR_PORT)}],
        ),
        allow_egress("allow-loki-push", gateway, 8080),
        allow_metrics_scrape(METRICS_PORT, _AGGREGATOR_METRICS_PORT),
    ]


def operator_values(players: int) -> Mapping[str, Any]:
    """Values of the chart `logging-operator`."""
    return {"logging-operator-crds": {"install": True}, "resources": resources("logging-operator", players, cpu="10m")}


def aggregator_spec(players: int) -> dict[str, Any]:
    """The `Logging`: Fluentd with a buffer on a volume of its own."""
    return {
        "controlNamespace": NAMESPACE,
        "clusterDomain": "cluster.local.",
        "fluentd": {
            "bufferStorageVolume": {
                "pvc": {
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": f"{_AGGREGATOR_VOLUME_GB}G"}},
                    }
                }
            },
            "metrics": {"port": _AGGREGATOR_METRICS_PORT, "prometheusAnnotations": True},
            "resources": resources("fluentd", players, cpu="100m"),
            # Long enough to put what it holds in memory on its disk.
            "terminationGracePeriodSeconds": 60,
        },
    }


def agent_spec(configuration: str, players: int) -> dict[str, Any]:
    """The `FluentbitAgent`: Fluent Bit on every node, with its buffer and its place in each file on the node's disk.

    configuration: name of the Secret with fluent-bit.conf and record.lua.
    """
    return {
        "customConfigSecret": configuration,
        "positiondb": {"hostPath": {"path": "/var/lib/shambhala/positions"}},
        "bufferStorageVolume": {"hostPath": {"path": "/var/lib/shambhala/buffers"}},
        "bufferStorage": {"storage.path": "/buffers"},
        "metrics": {"port": METRICS_PORT, "path": "/api/v2/metrics/prometheus", "prometheusAnnotations": True},
        # A node that is kept for something special has logs as well.
        "tolerations": [{"operator": "Exists"}],
        "resources": resources("fluent-bit", players, cpu="20m"),
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
    }


def agent_configuration(team_bytes_per_second: float | None = None) -> Mapping[str, str]:
    """Files of the agent by name."""
    parameters = _Agent(
        namespace=NAMESPACE,
        aggregator=f"{_NAME}-fluentd.{NAMESPACE}.svc.cluster.local",
        metrics_port=METRICS_PORT,
        buffer_size="2G",
    )
    return {
        "fluent-bit.conf": render(_AGENT / "fluent-bit.conf.j2", parameters),
        "record.lua": rate_limit(team_bytes_per_second) + (_AGENT / "record.lua").read_text(),
    }


def output(tenant: str, url: str, password_secret: str) -> flows.LokiOutput:
    """Output of a tenant's log lines; the buffers of both leave a fifth of the aggregator's volume free."""
    return flows.LokiOutput(
        name=tenant,
        url=url,
        tenant=tenant,
        user=USER,
        password_secret=password_secret,
        buffer_size=f"{_AGGREGATOR_VOLUME_GB * 4 // 10}GB",
    )


def flows_to_loki() -> Sequence[flows.Flow]:
    """Flows of the teams' log lines and of everybody else's. Raises MissingOutputError if a flow has no output."""
    found = (
        flows.Flow("teams", outputs=[TEAMS], select=[flows.TEAM_NAMESPACES]),
        flows.Flow("platform", outputs=[PLATFORM], exclude=[flows.TEAM_NAMESPACES]),
    )
    flows.check(found, [output(tenant, "", "") for tenant in (PLATFORM, TEAMS)])
    return found

"""Values of each chart as an operator sets them, and slips that Helm does not forgive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

GIVEN: dict[str, dict[str, Any]] = {
    "nginx-ingress": {
        "controller": {
            "replicaCount": 2,
            "ingressClass": {"name": "nginx", "create": True, "setAsDefaultIngress": True},
            "enableCustomResources": False,
            "telemetryReporting": {"enable": False},
            "config": {"entries": {"proxy-protocol": "True"}},
            "wildcardTLS": {"secret": "ingress/wildcard"},
            "service": {
                "externalTrafficPolicy": "Cluster",
                "annotations": {"example.org/purpose": "rehearsal"},
                "extraLabels": {"role": "door"},
                "loadBalancerSourceRanges": ["203.0.113.0/24"],
            },
        },
    },
    "cert-manager": {
        "crds": {"enabled": True, "keep": False},
        "global": {"leaderElection": {"namespace": "cert-manager"}, "commonLabels": {"role": "certificates"}},
        "dns01RecursiveNameservers": "192.0.2.10:53,9.9.9.9:53",
        "dns01RecursiveNameserversOnly": True,
        "startupapicheck": {"timeout": "2m"},
    },
    "grafana": {
        "admin": {"existingSecret": "", "userKey": "admin-user", "passwordKey": "admin-password"},
        "persistence": {"enabled": True, "size": "5Gi"},
        "deploymentStrategy": {"type": "Recreate"},
        "testFramework": {"enabled": False},
        "ingress": {"enabled": True, "ingressClassName": "nginx", "hosts": ["grafana.hunt.example.org"]},
        "sidecar": {"dashboards": {"enabled": True, "searchNamespace": "ALL"}},
        "datasources": {"datasources.yaml": {"apiVersion": 1, "datasources": [{"name": "Loki", "type": "loki"}]}},
        "dashboards": {"game": {"players": {"json": '{"title": "Players"}'}}},
        "grafana.ini": {"server": {"root_url": "https://grafana.hunt.example.org/"}},
    },
    "loki": {
        "deploymentMode": "Monolithic",
        "loki": {
            "auth_enabled": False,
            "commonConfig": {"replication_factor": 1},
            "schemaConfig": {"configs": [{"from": "2026-11-01", "store": "tsdb", "schema": "v13"}]},
            "storage": {
                "type": "s3",
                "bucketNames": {"chunks": "chunks", "ruler": "ruler"},
                "s3": {"endpoint": "s3.fr-par.scw.cloud", "region": "fr-par", "accessKeyId": "${AWS_ACCESS_KEY_ID}"},
            },
            "limits_config": {"retention_period": "720h"},
            "compactor": {"retention_enabled": True},
        },
        "singleBinary": {
            "replicas": 1,
            "extraArgs": ["-config.expand-env=true"],
            "extraEnvFrom": [{"secretRef": {"name": "loki-s3", "optional": True}}],
            "persistence": {"size": "10Gi"},
        },
        "backend": {"replicas": 0},
        "read": {"replicas": 0},
        "write": {"replicas": 0},
        "chunksCache": {"enabled": False},
        "resultsCache": {"enabled": False},
        "lokiCanary": {"enabled": False},
        "test": {"enabled": False},
    },
    "logging-operator": {"logging-operator-crds": {"install": True}, "rbac": {"retainOnDelete": False}},
    "prometheus": {
        "server": {"retention": "14d", "retentionSize": "7629MB", "persistentVolume": {"size": "10G"}},
        "serverFiles": {"alerting_rules.yml": {"groups": []}},
        "kube-state-metrics": {"collectors": ["pods"]},
        "alertmanager": {"enabled": False},
        "prometheus-node-exporter": {"enabled": False},
        "prometheus-pushgateway": {"enabled": False},
    },
    "rancher": {
        "hostname": "rancher.hunt.example.org",
        "replicas": 1,
        "tls": "external",
        "bootstrapPassword": "for-the-first-login",
        "networkExposure": {"type": "ingress"},
        "ingress": {"ingressClassName": "nginx"},
        "auditLog": {"enabled": True, "level": 1},
    },
}

UPGRADED: dict[str, dict[str, Any]] = {
    **GIVEN,
    "logging-operator": {
        **GIVEN["logging-operator"],
        # Helm asks the cluster for the kinds before it installs their CRDs, so these come with an upgrade.
        "logging": {
            "enabled": True,
            "fluentd": {"bufferStorageVolume": {"emptyDir": {}}},
            "clusterFlows": [{"name": "all", "spec": {"match": [{"select": {}}], "globalOutputRefs": ["loki"]}}],
            "clusterOutputs": [{"name": "loki", "spec": {"loki": {"url": "http://loki.logging.svc:3100"}}}],
        },
    },
    "rancher": {**GIVEN["rancher"], "replicas": 2},
}

READY = {
    "nginx-ingress": "deployment/nginx-ingress-controller",
    "cert-manager": "deployment/cert-manager-webhook",
    "grafana": "deployment/grafana",
    "loki": "statefulset/loki",
    "logging-operator": "deployment/logging-operator",
    "prometheus": "deployment/prometheus-server",
    "rancher": "deployment/rancher",
}
"""What an operator would look at to see whether a chart is up."""

OBJECTS: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    (
        "cert-manager.io/v1",
        "ClusterIssuer",
        {"acme": {"server": "https://acme.example.org/directory", "privateKeySecretRef": {"name": "account"}}},
    ),
    ("cert-manager.io/v1", "Issuer", {"selfSigned": {}}),
    (
        "cert-manager.io/v1",
        "Certificate",
        {
            "secretName": "wildcard-tls",
            "dnsNames": ["*.hunt.example.org"],
            "issuerRef": {"kind": "ClusterIssuer", "name": "own"},
        },
    ),
    ("logging.banzaicloud.io/v1beta1", "Logging", {"controlNamespace": "default"}),
    ("logging.banzaicloud.io/v1beta1", "FluentbitAgent", {}),
    ("logging.banzaicloud.io/v1beta1", "Output", {"loki": {"url": "http://loki.logging.svc:3100"}}),
    ("logging.banzaicloud.io/v1beta1", "ClusterOutput", {"loki": {"url": "http://loki.logging.svc:3100"}}),
    ("logging.banzaicloud.io/v1beta1", "Flow", {"match": [{"select": {}}], "localOutputRefs": ["own"]}),
    ("logging.banzaicloud.io/v1beta1", "ClusterFlow", {"match": [{"select": {}}], "globalOutputRefs": ["own"]}),
)
"""What a program declares of the kinds that the charts bring: API, kind, spec."""

SLIPS_IN_OBJECTS: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("cert-manager.io/v1", "ClusterIssuer", {"acme": {"server": "https://acme.example.org/directory"}}),
    ("cert-manager.io/v1", "Certificate", {"dnsNames": ["*.hunt.example.org"], "issuerRef": {"name": "own"}}),
    ("logging.banzaicloud.io/v1beta1", "Logging", {"fluentd": {}}),
    ("logging.banzaicloud.io/v1beta1", "ClusterFlow", {"globalOutputRefs": "own"}),
)
"""A required field that is missing, or a wrong type."""

SLIPS: list[tuple[str, dict[str, Any]]] = [
    ("nginx-ingress", {"controller": {"replicas": 2}}),
    ("nginx-ingress", {"controller": {"service": {"externalTrafficPolicy": "local"}}}),
    ("nginx-ingress", {"controller": {"ingressClass": "nginx"}}),
    ("cert-manager", {"crds": {"enable": True}}),
    ("cert-manager", {"installCrds": True}),
    ("cert-manager", {"dns01RecursiveNameservers": ["192.0.2.10:53"]}),
    ("grafana", {"admin": {"existingSecrets": "grafana-admin"}}),
    ("grafana", {"persistence": {"enabled": "yes"}}),
    ("grafana", {"ingress": {"hosts": [{"host": "grafana.hunt.example.org"}]}}),
    ("grafana", {"grafana_ini": {"server": {}}}),
    ("loki", {"loki": {"authEnabled": False}}),
    ("loki", {"deploymentMode": "SimpleScalable"}),
    ("loki", {"singleBinary": {"replicas": "1"}}),
    ("logging-operator", {"logging": {"clusterFlow": [{"name": "all", "spec": {}}]}}),
    ("logging-operator", {"logging": {"clusterOutputs": {"loki": {}}}}),
    ("logging-operator", {"logging-operator-crds": True}),
    ("rancher", {"hostName": "rancher.hunt.example.org"}),
    ("rancher", {"tls": "internal"}),
    ("rancher", {"networkExposure": {"type": "loadbalancer"}}),
]
"""Misspelt keys and wrong types, each in the chart that it is about."""

"""The manifest that joins a cluster: what `kubectl apply` of a cluster's manifestUrl gets.

The names are those of Rancher's own agent manifest (rancher/rancher, pkg/systemtemplate/template.go).
"""

from __future__ import annotations

import base64
import hashlib

import yaml

NAMESPACE = "cattle-system"
AGENT = "cattle-cluster-agent"
IMAGE = "rancher/rancher-agent:v2.15.0"


def credentials_name(registration: str) -> str:
    """The Secret from which a cluster's agent takes its token: it tells whose agent a Deployment is."""
    return f"cattle-credentials-{hashlib.sha256(registration.encode()).hexdigest()[:10]}"


def agent_manifest(url: str, registration: str, cluster: str, authority: str = "") -> str:
    """YAML documents. url: where the agent finds Rancher. registration: the cluster's token.

    authority: Rancher's setting `cacerts`: what the agent must trust; it fetches it there and compares its sum.
    """
    credentials = credentials_name(registration)
    labels = {"app": AGENT}
    environment = {
        "CATTLE_SERVER": url,
        "CATTLE_CA_CHECKSUM": hashlib.sha256(authority.encode()).hexdigest() if authority else "",
        "CATTLE_CLUSTER": "true",
        "CATTLE_K8S_MANAGED": "true",
        "CATTLE_CREDENTIAL_NAME": credentials,
    }
    container = {
        "name": "cluster-register",
        "image": IMAGE,
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "volumeMounts": [{"name": "cattle-credentials", "mountPath": "/cattle-credentials", "readOnly": True}],
    }
    pod = {
        "serviceAccountName": "cattle",
        "containers": [container],
        "volumes": [{"name": "cattle-credentials", "secret": {"secretName": credentials, "defaultMode": 0o500}}],
    }
    documents: list[dict[str, object]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "cattle", "namespace": NAMESPACE}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "cattle-admin-binding"},
            "subjects": [{"kind": "ServiceAccount", "name": "cattle", "namespace": NAMESPACE}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cattle-admin"},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "cattle-admin"},
            "rules": [
                {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
                {"nonResourceURLs": ["*"], "verbs": ["*"]},
            ],
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": credentials, "namespace": NAMESPACE},
            "type": "Opaque",
            "data": {"url": _base64(url), "token": _base64(registration), "namespace": _base64(cluster)},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": AGENT, "namespace": NAMESPACE},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": AGENT, "namespace": NAMESPACE},
            "spec": {
                "selector": labels,
                "ports": [
                    {"name": "http", "port": 80, "targetPort": 80},
                    {"name": "https-internal", "port": 443, "targetPort": 444},
                ],
            },
        },
    ]
    return yaml.safe_dump_all(documents, sort_keys=False)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

"""Objects that Kapsule puts into a cluster for its nodes: the name server, and rights of the policy agent."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from string import Template

import yaml

from rehearsal.kapsule.kube import Kube

_MANIFESTS = Path(__file__).parent / "manifests"
_PATHS = {
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts/{name}",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps/{name}",
    "Service": "/api/v1/namespaces/{namespace}/services/{name}",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments/{name}",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}",
}


def name_server_address(service_cidr: str) -> str:
    """Address of the Service `coredns`: the tenth of the range, 10.32.0.10 at Kapsule."""
    return str(ipaddress.ip_network(service_cidr)[10])


async def provide_cluster_objects(kube: Kube, service_cidr: str, coredns_image: str) -> None:
    """Make each object as `manifests` say, also one that somebody has changed."""
    values = {"address": name_server_address(service_cidr), "image": coredns_image}
    for file in sorted(_MANIFESTS.glob("*.yaml")):
        for body in yaml.safe_load_all(Template(file.read_text()).substitute(values)):
            await kube.apply(_PATHS[body["kind"]].format(**{"namespace": "", **body["metadata"]}), body)

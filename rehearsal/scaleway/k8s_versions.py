"""Kubernetes v1: versions of Kubernetes, types of clusters, and upgrades from one version to another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from aiohttp import web

from rehearsal.scaleway.api_errors import not_found
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record
from rehearsal.scaleway.request_body import RequestBody

_VERSIONS = "/k8s/v1/regions/{region}/versions"
FEATURE_GATES = ("HPAScaleToZero", "CPUManagerPolicyAlphaOptions", "ImageVolume", "MutatingAdmissionPolicy")
ADMISSION_PLUGINS = ("AlwaysPullImages", "PodNodeSelector", "PodTolerationRestriction")
CNIS = ("cilium", "cilium_native", "calico", "kilo", "none")
TYPES = ("kapsule", "kapsule-dedicated-4", "kapsule-dedicated-8", "kapsule-dedicated-16")
KUBELET_ARGUMENTS = {
    "containerLogMaxFiles": "uint16",
    "containerLogMaxSize": "quantity",
    "cpuCFSQuota": "bool",
    "cpuCFSQuotaPeriod": "duration",
    "cpuManagerPolicy": "enum:none|static",
    "cpuManagerPolicyOptions": "map[string]string",
    "enableDebuggingHandlers": "bool",
    "evictionHard": "map[string]string",
    "evictionMinimumReclaim": "map[string]string",
    "imageGCHighThresholdPercent": "uint32",
    "imageGCLowThresholdPercent": "uint32",
    "maxParallelImagePulls": "int32",
    "maxPods": "uint16",
    "registryBurst": "int32",
    "registryPullQPS": "int32",
    "serializeImagePulls": "bool",
}


class Versions:
    """Versions on offer, and the types of clusters."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._versions = context.catalogue.kubernetes

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_VERSIONS, self._list),
            web.get(_VERSIONS + "/{name}", self._get),
            web.get("/k8s/v1/regions/{region}/clusters/{id}/available-versions", self._available_versions),
            web.get("/k8s/v1/regions/{region}/cluster-types", self._list_types),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        return web.json_response({"versions": [_version(name, region) for name in self._versions]})

    async def _get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._versions:
            raise not_found("version", name)
        return web.json_response(_version(name, request.match_info["region"]))

    async def _available_versions(self, request: web.Request) -> web.Response:
        cluster = self._store.clusters.get(request.match_info["id"], region=request.match_info["region"])
        names = newer(self._versions, cluster["version"])
        return web.json_response({"versions": [_version(name, cluster["region"]) for name in names]})

    async def _list_types(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        return listing(request, "cluster_types", [_cluster_type(name, region) for name in TYPES])


def offered(versions: Sequence[str], body: RequestBody) -> str:
    """Version in a request body; refused unless it is on offer."""
    version = body.text("version")
    if version and version not in versions:
        body.refuse("version", f"version must be one of {', '.join(versions)}")
    return version


def newer(versions: Sequence[str], version: str) -> list[str]:
    """Versions that a cluster of that version can be upgraded to: later patches, and the next minor."""
    major, minor, patch = _numbers(version)
    return [
        name for name in versions if (major, minor, patch) < _numbers(name) and _numbers(name)[:2] <= (major, minor + 1)
    ]


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def _version(name: str, region: str) -> Record:
    """A version, with dates that are right to the month: a minor every four months, supported for fourteen."""
    released = date(2026, 6, 1) - timedelta(days=122 * (36 - _numbers(name)[1]))
    return {
        "region": region,
        "name": name,
        "label": f"Kubernetes {name}",
        "available_cnis": list(CNIS),
        "available_container_runtimes": ["containerd"],
        "available_feature_gates": list(FEATURE_GATES),
        "available_admission_plugins": list(ADMISSION_PLUGINS),
        "available_kubelet_args": KUBELET_ARGUMENTS,
        "deprecated_at": f"{released + timedelta(days=365)}T00:00:00Z",
        "end_of_life_at": f"{released + timedelta(days=425)}T00:00:00Z",
        "released_at": f"{released}T00:00:00Z",
    }


def _cluster_type(name: str, region: str) -> Record:
    memory = int(name.rpartition("-")[2]) if name != TYPES[0] else 4
    return {
        "name": name,
        "availability": "available",
        "max_nodes": 150 if name == TYPES[0] else 250 if memory < 16 else 500,
        "commitment_delay": "0s" if name == TYPES[0] else "2592000s",
        "sla": 0.0 if name == TYPES[0] else 99.5,
        "resiliency": "standard" if name == TYPES[0] else "high_availability",
        "memory": memory * 1_000_000_000,
        "dedicated": name != TYPES[0],
        "audit_logs_supported": name != TYPES[0],
        "max_etcd_size": 55_000_000 if name == TYPES[0] else 200_000_000,
        "region": region,
    }

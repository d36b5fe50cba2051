"""Kubernetes v1: versions, clusters, their kubeconfig and who may reach their API."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date, timedelta
from ipaddress import IPv4Network

from aiohttp import web

from rehearsal.scaleway.backends import Cluster
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.errors import failed_behind, not_found, not_in_stand_in, transient_state
from rehearsal.scaleway.fields import Fields
from rehearsal.scaleway.load_balancers import LoadBalancerBooks
from rehearsal.scaleway.paging import listing, page
from rehearsal.scaleway.pools import Pools
from rehearsal.scaleway.records import Record, new_id, now, public
from rehearsal.scaleway.vpc import Vpc

_CLUSTERS = "/k8s/v1/regions/{region}/clusters"
_VERSIONS = "/k8s/v1/regions/{region}/versions"
TYPES = ("kapsule", "kapsule-dedicated-4", "kapsule-dedicated-8", "kapsule-dedicated-16")
CNIS = ("cilium", "cilium_native", "calico", "kilo", "none")
DAYS = ("any", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ADMISSION_PLUGINS = ("AlwaysPullImages", "PodNodeSelector", "PodTolerationRestriction")
FEATURE_GATES = ("HPAScaleToZero", "CPUManagerPolicyAlphaOptions", "ImageVolume", "MutatingAdmissionPolicy")
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
AUTOSCALER: Record = {
    "scale_down_disabled": False,
    "scale_down_delay_after_add": "10m",
    "estimator": "binpacking",
    "expander": "random",
    "ignore_daemonsets_utilization": False,
    "balance_similar_node_groups": False,
    "expendable_pods_priority_cutoff": -10,
    "scale_down_unneeded_time": "10m",
    "scale_down_utilization_threshold": 0.5,
    "max_graceful_termination_sec": 600,
    "skip_nodes_with_local_storage": False,
    "log_level": 2,
}
OPEN_ID: Record = {
    "issuer_url": "",
    "client_id": "",
    "username_claim": "",
    "username_prefix": "",
    "groups_claim": [],
    "groups_prefix": "",
    "required_claim": [],
}
OPEN_TO_ALL = (
    {"ip": "0.0.0.0/0", "description": "Allow all"},
    {"scaleway_ranges": True, "description": "Allow Scaleway"},
)


class Kapsule:
    """Clusters: creating, then pool_required until there is a pool, then ready; locked when its work failed."""

    def __init__(self, context: Context, pools: Pools, vpc: Vpc, balancers: LoadBalancerBooks) -> None:
        self._context = context
        self._store = context.store
        self._pools = pools
        self._vpc = vpc
        self._balancers = balancers

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_VERSIONS, self._list_versions),
            web.get(_VERSIONS + "/{name}", self._get_version),
            web.get("/k8s/v1/regions/{region}/cluster-types", self._list_types),
            web.get(_CLUSTERS, self._list),
            web.post(_CLUSTERS, self._create),
            web.get(_CLUSTERS + "/{id}", self._get),
            web.patch(_CLUSTERS + "/{id}", self._update),
            web.delete(_CLUSTERS + "/{id}", self._delete),
            web.post(_CLUSTERS + "/{id}/upgrade", self._upgrade),
            web.get(_CLUSTERS + "/{id}/available-versions", self._available_versions),
            web.get(_CLUSTERS + "/{id}/kubeconfig", self._kubeconfig),
            web.get(_CLUSTERS + "/{id}/acls", self._acls),
            web.put(_CLUSTERS + "/{id}/acls", self._set_acls),
        ]

    def resume(self) -> None:
        """Start every control plane again and go on with what was being done."""
        for cluster in self._store.clusters:
            if cluster["status"] == "deleting":
                self._remove_in_background(cluster)
            elif cluster["status"] != "locked":
                self._start(cluster, cluster["status"])
                self._pools.resume(cluster)

    async def _list_versions(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        return web.json_response({"versions": [_version(name, region) for name in self._versions]})

    async def _get_version(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._versions:
            raise not_found("version", name)
        return web.json_response(_version(name, request.match_info["region"]))

    async def _list_types(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        return listing(request, "cluster_types", [_cluster_type(name, region) for name in TYPES])

    async def _list(self, request: web.Request) -> web.Response:
        clusters = self._store.clusters.where(region=request.match_info["region"])
        named = [cluster for cluster in clusters if request.query.get("name", cluster["name"]) == cluster["name"]]
        return listing(request, "clusters", list(map(self._view, named)))

    async def _create(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        fields = await Fields.of(request)
        project = self._context.project(fields, "cluster")
        if fields.text("type", "").startswith("multicloud"):
            raise not_in_stand_in("Kosmos: clusters with nodes of other clouds")
        identity, time = new_id(), now()
        cluster: Record = {
            "region": region,
            "id": identity,
            "organization_id": self._context.credentials.organization_id,
            "project_id": project,
            "created_at": time,
            "updated_at": time,
            "type": fields.choice("type", ("", *TYPES), "") or TYPES[0],
            "name": fields.text("name"),
            "description": fields.text("description", ""),
            "status": "creating",
            "version": self._offered(fields),
            "cni": fields.choice("cni", CNIS, CNIS[0]),
            "tags": fields.texts("tags"),
            "cluster_url": f"https://{identity}.api.k8s.{region}.scw.cloud:6443",
            "dns_wildcard": f"*.{identity}.nodes.k8s.{region}.scw.cloud",
            "autoscaler_config": _merge(AUTOSCALER, fields.object("autoscaler_config")),
            "auto_upgrade": {"enabled": False, "maintenance_window": {"start_hour": 0, "day": "any"}},
            "feature_gates": fields.texts("feature_gates"),
            "admission_plugins": fields.texts("admission_plugins"),
            "open_id_connect_config": _merge(OPEN_ID, fields.object("open_id_connect_config")),
            "apiserver_cert_sans": fields.texts("apiserver_cert_sans"),
            "private_network_id": fields.text("private_network_id"),
            "commitment_ends_at": time,
            "acl_available": True,
            "iam_nodes_group_id": "",
            "pod_cidr": fields.cidr("pod_cidr", "100.64.0.0/15"),
            "service_cidr": fields.cidr("service_cidr", "10.32.0.0/20"),
            "_acls": [_acl(rule) for rule in OPEN_TO_ALL],
            "_with_additional_resources": False,
        }
        services = IPv4Network(cluster["service_cidr"])
        cluster["service_dns_ip"] = fields.text("service_dns_ip", str(services.network_address + 10))
        _set_auto_upgrade(cluster, fields)
        _check_plugins(fields, cluster)
        pools = fields.objects("pools")
        fields.check()
        self._store.private_networks.get(cluster["private_network_id"], region=region)
        self._store.clusters.add(cluster)
        for pool in pools:
            self._pools.add(cluster, Fields(pool))
        answer = self._view(cluster)
        self._start(cluster, "creating")
        return web.json_response(answer)

    async def _get(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        if cluster["status"] in ("creating", "updating", "deleting"):
            await self._context.work.settled(cluster["id"], self._context.patience)
        return web.json_response(self._view(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        self._refuse_deleting(cluster)
        fields = await Fields.of(request)
        changes: Record = {name: fields.text(name, cluster[name]) for name in ("name", "description")}
        for name in ("tags", "feature_gates", "admission_plugins", "apiserver_cert_sans"):
            changes[name] = fields.texts(name) if name in fields else cluster[name]
        for name in ("autoscaler_config", "open_id_connect_config"):
            changes[name] = _merge(cluster[name], fields.object(name))
        changes["auto_upgrade"] = dict(cluster["auto_upgrade"])
        _set_auto_upgrade(changes, fields)
        _check_plugins(fields, changes)
        fields.check()
        cluster.update(changes)
        return self._answer_updating(cluster)

    async def _upgrade(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        self._refuse_deleting(cluster)
        fields = await Fields.of(request)
        version, with_pools = self._offered(fields), fields.flag("upgrade_pools")
        if version not in self._newer(cluster["version"]):
            fields.refuse("version", f"{version} is not one of the versions that {cluster['version']} can go to")
        fields.check()
        cluster["version"] = version
        if with_pools:
            self._pools.upgrade(cluster)
        return self._answer_updating(cluster)

    async def _available_versions(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        newer = self._newer(cluster["version"])
        return web.json_response({"versions": [_version(name, cluster["region"]) for name in newer]})

    async def _delete(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        if cluster["status"] != "deleting":
            cluster["_with_additional_resources"] = request.query.get("with_additional_resources") == "true"
            self._move(cluster, "deleting")
            self._remove_in_background(cluster)
        return web.json_response(self._view(cluster))

    async def _kubeconfig(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        if cluster["status"] in ("creating", "deleting"):
            raise transient_state("cluster", cluster["id"], cluster["status"])
        try:
            text = await self._context.clusters.kubeconfig(cluster["id"])
        except Exception as error:
            raise failed_behind(f"The cluster's kubeconfig could not be read: {error}") from error
        content = base64.b64encode(text.encode()).decode()
        return web.json_response({"name": "kubeconfig", "content_type": "application/octet-stream", "content": content})

    async def _acls(self, request: web.Request) -> web.Response:
        rules: list[Record] = self._find(request)["_acls"]
        return web.json_response({"rules": page(request, rules), "total_count": len(rules)})

    async def _set_acls(self, request: web.Request) -> web.Response:
        """Kept and answered; the control plane listens on this machine's loopback whatever they say."""
        cluster = self._find(request)
        fields = await Fields.of(request)
        rules: list[Record] = []
        for sent in fields.objects("acls"):
            rule = Fields(sent)
            if "scaleway_ranges" not in rule:
                rule.cidr("ip", "0.0.0.0/0")
            rule.check()
            rules.append(_acl(sent))
        fields.check()
        cluster["_acls"] = rules
        self._store.save()
        return web.json_response({"rules": rules})

    @property
    def _versions(self) -> Sequence[str]:
        return self._context.catalogue.kubernetes

    def _offered(self, fields: Fields) -> str:
        """The version of a request, as long as it is on offer."""
        version = fields.text("version")
        if version and version not in self._versions:
            fields.refuse("version", f"version must be one of {', '.join(self._versions)}")
        return version

    def _newer(self, version: str) -> list[str]:
        """The versions that a cluster of that version can be upgraded to: patches, and the next minor."""
        major, minor, patch = _numbers(version)
        return [
            name
            for name in self._versions
            if (major, minor, patch) < _numbers(name) and _numbers(name)[:2] <= (major, minor + 1)
        ]

    def _find(self, request: web.Request) -> Record:
        return self._store.clusters.get(request.match_info["id"], region=request.match_info["region"])

    def _refuse_deleting(self, cluster: Record) -> None:
        if cluster["status"] == "deleting":
            raise transient_state("cluster", cluster["id"], "deleting")

    def _view(self, cluster: Record) -> Record:
        status = cluster["status"]
        if status == "ready" and not self._store.pools.where(cluster_id=cluster["id"]):
            status = "pool_required"
        return {**public(cluster), "status": status, "upgrade_available": bool(self._newer(cluster["version"]))}

    def _answer_updating(self, cluster: Record) -> web.Response:
        """Answer that the cluster is being updated, and let its control plane follow."""
        self._move(cluster, "updating")
        answer = self._view(cluster)
        self._start(cluster, "updating")
        return web.json_response(answer)

    def _move(self, cluster: Record, status: str) -> None:
        cluster.update(status=status, updated_at=now())
        self._store.save()

    def _start(self, cluster: Record, status: str) -> None:
        """Start a cluster's control plane in the background, or let it follow; it is in that status until then."""
        self._move(cluster, status)

        async def work() -> None:
            await self._context.clusters.create(_behind(cluster))
            # It may have been deleted meanwhile.
            if cluster["status"] == status:
                cluster["iam_nodes_group_id"] = cluster["iam_nodes_group_id"] or new_id()
                self._move(cluster, "ready")

        self._context.work.start(cluster["id"], f"{status} cluster", work, lambda _: self._move(cluster, "locked"))

    def _remove_in_background(self, cluster: Record) -> None:
        async def work() -> None:
            identity = cluster["id"]
            await self._context.clusters.remove(identity)
            self._pools.forget_all(cluster)
            self._store.clusters.remove(identity)
            if cluster["_with_additional_resources"]:
                self._balancers.remove_of(identity)
                network = self._store.private_networks.find(cluster["private_network_id"])
                if network and self._vpc.is_empty(network):
                    await self._vpc.remove(network)
            self._store.save()

        self._context.work.start(cluster["id"], "deleting cluster", work, lambda _: self._move(cluster, "locked"))


def _behind(cluster: Record) -> Cluster:
    return Cluster(
        id=cluster["id"],
        name=cluster["name"],
        version=cluster["version"],
        pod_cidr=cluster["pod_cidr"],
        service_cidr=cluster["service_cidr"],
        admission_plugins=tuple(cluster["admission_plugins"]),
        apiserver_cert_sans=tuple(cluster["apiserver_cert_sans"]),
    )


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def _merge(current: Record, sent: Record) -> Record:
    """Settings with what was sent put over them; null and unknown_… mean that nothing was said."""
    said = {
        name: value
        for name, value in sent.items()
        if name in current and value is not None and not str(value).startswith("unknown_")
    }
    return {**current, **said}


def _set_auto_upgrade(cluster: Record, fields: Fields) -> None:
    sent = Fields(fields.object("auto_upgrade"))
    window = Fields(sent.object("maintenance_window"))
    current: Record = cluster["auto_upgrade"]
    cluster["auto_upgrade"] = {
        "enabled": sent.flag("enable", current["enabled"]),
        "maintenance_window": {
            "start_hour": window.integer("start_hour", current["maintenance_window"]["start_hour"], 0, 23),
            "day": window.choice("day", DAYS, current["maintenance_window"]["day"]),
        },
    }
    sent.check()
    window.check()


def _check_plugins(fields: Fields, cluster: Record) -> None:
    for name, offered in (("admission_plugins", ADMISSION_PLUGINS), ("feature_gates", FEATURE_GATES)):
        for value in cluster[name]:
            if value not in offered:
                fields.refuse(name, f"{value} is not one of {', '.join(offered)}")


def _acl(sent: Record) -> Record:
    source: Record = {"scaleway_ranges": True} if sent.get("scaleway_ranges") else {"ip": sent["ip"]}
    return {"id": new_id(), "region": "", **source, "description": sent.get("description") or ""}


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

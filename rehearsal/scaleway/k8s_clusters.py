"""Kubernetes v1: clusters, and their kubeconfig."""

from __future__ import annotations

import base64
from ipaddress import IPv4Network

from aiohttp import web

from rehearsal.scaleway.api_errors import failed_behind, not_in_stand_in, transient_state
from rehearsal.scaleway.backends import Cluster
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.k8s_acls import OPEN_TO_ALL, acl_rule
from rehearsal.scaleway.k8s_pools import Pools
from rehearsal.scaleway.k8s_versions import ADMISSION_PLUGINS, CNIS, FEATURE_GATES, TYPES, newer, offered
from rehearsal.scaleway.lb import LoadBalancerApi
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody
from rehearsal.scaleway.vpc import Vpc

_CLUSTERS = "/k8s/v1/regions/{region}/clusters"
DAYS = ("any", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
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


class Kapsule:
    """Clusters: creating, then pool_required until there is a pool, then ready; locked after a failed job."""

    def __init__(self, context: Context, pools: Pools, vpc: Vpc, load_balancers: LoadBalancerApi) -> None:
        self._context = context
        self._store = context.store
        self._pools = pools
        self._vpc = vpc
        self._load_balancers = load_balancers
        self._versions = context.catalogue.kubernetes

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_CLUSTERS, self._list),
            web.post(_CLUSTERS, self._create),
            web.get(_CLUSTERS + "/{id}", self._get),
            web.patch(_CLUSTERS + "/{id}", self._update),
            web.delete(_CLUSTERS + "/{id}", self._delete),
            web.post(_CLUSTERS + "/{id}/upgrade", self._upgrade),
            web.get(_CLUSTERS + "/{id}/kubeconfig", self._kubeconfig),
        ]

    def resume(self) -> None:
        """Start every control plane again and go on with what was being done."""
        for cluster in self._store.clusters:
            if cluster["status"] == "deleting":
                self._remove_in_background(cluster)
            elif cluster["status"] != "locked":
                self._start(cluster, cluster["status"])
                self._pools.resume(cluster)

    async def _list(self, request: web.Request) -> web.Response:
        clusters = self._store.clusters.where(region=request.match_info["region"])
        named = [cluster for cluster in clusters if request.query.get("name", cluster["name"]) == cluster["name"]]
        return listing(request, "clusters", list(map(self._view, named)))

    async def _create(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        body = await RequestBody.of(request)
        project = self._context.project(body, "cluster")
        if body.text("type", "").startswith("multicloud"):
            raise not_in_stand_in("Kosmos: clusters with nodes of other clouds")
        identity, time = new_id(), now()
        cluster: Record = {
            "region": region,
            "id": identity,
            "organization_id": self._context.credentials.organization_id,
            "project_id": project,
            "created_at": time,
            "updated_at": time,
            "type": body.choice("type", ("", *TYPES), "") or TYPES[0],
            "name": body.text("name"),
            "description": body.text("description", ""),
            "status": "creating",
            "version": offered(self._versions, body),
            "cni": body.choice("cni", CNIS, CNIS[0]),
            "tags": body.texts("tags"),
            "cluster_url": f"https://{identity}.api.k8s.{region}.scw.cloud:6443",
            "dns_wildcard": f"*.{identity}.nodes.k8s.{region}.scw.cloud",
            "autoscaler_config": _merge(AUTOSCALER, body.object("autoscaler_config")),
            "auto_upgrade": {"enabled": False, "maintenance_window": {"start_hour": 0, "day": "any"}},
            "feature_gates": body.texts("feature_gates"),
            "admission_plugins": body.texts("admission_plugins"),
            "open_id_connect_config": _merge(OPEN_ID, body.object("open_id_connect_config")),
            "apiserver_cert_sans": body.texts("apiserver_cert_sans"),
            "private_network_id": body.text("private_network_id"),
            "commitment_ends_at": time,
            "acl_available": True,
            "iam_nodes_group_id": "",
            "pod_cidr": body.cidr("pod_cidr", "100.64.0.0/15"),
            "service_cidr": body.cidr("service_cidr", "10.32.0.0/20"),
            "_acls": [acl_rule(rule) for rule in OPEN_TO_ALL],
            "_with_additional_resources": False,
        }
        services = IPv4Network(cluster["service_cidr"])
        cluster["service_dns_ip"] = body.text("service_dns_ip", str(services.network_address + 10))
        _set_auto_upgrade(cluster, body)
        _check_plugins(body, cluster)
        pools = body.objects("pools")
        body.check()
        self._store.private_networks.get(cluster["private_network_id"], region=region)
        self._store.clusters.add(cluster)
        for pool in pools:
            self._pools.add(cluster, RequestBody(pool))
        answer = self._view(cluster)
        self._start(cluster, "creating")
        return web.json_response(answer)

    async def _get(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        if cluster["status"] in ("creating", "updating", "deleting"):
            await self._context.jobs.settled(cluster["id"], self._context.long_poll_seconds)
        return web.json_response(self._view(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        self._refuse_deleting(cluster)
        body = await RequestBody.of(request)
        changes: Record = {name: body.text(name, cluster[name]) for name in ("name", "description")}
        for name in ("tags", "feature_gates", "admission_plugins", "apiserver_cert_sans"):
            changes[name] = body.texts(name) if name in body else cluster[name]
        for name in ("autoscaler_config", "open_id_connect_config"):
            changes[name] = _merge(cluster[name], body.object(name))
        changes["auto_upgrade"] = dict(cluster["auto_upgrade"])
        _set_auto_upgrade(changes, body)
        _check_plugins(body, changes)
        body.check()
        cluster.update(changes)
        return self._answer_updating(cluster)

    async def _upgrade(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        self._refuse_deleting(cluster)
        body = await RequestBody.of(request)
        version, with_pools = offered(self._versions, body), body.flag("upgrade_pools")
        if version not in newer(self._versions, cluster["version"]):
            body.refuse("version", f"{version} is not one of the versions that {cluster['version']} can go to")
        body.check()
        cluster["version"] = version
        if with_pools:
            self._pools.upgrade(cluster)
        return self._answer_updating(cluster)

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

    def _find(self, request: web.Request) -> Record:
        return self._store.clusters.get(request.match_info["id"], region=request.match_info["region"])

    def _refuse_deleting(self, cluster: Record) -> None:
        if cluster["status"] == "deleting":
            raise transient_state("cluster", cluster["id"], "deleting")

    def _view(self, cluster: Record) -> Record:
        status = cluster["status"]
        if status == "ready" and not self._store.pools.where(cluster_id=cluster["id"]):
            status = "pool_required"
        return {
            **public(cluster),
            "status": status,
            "upgrade_available": bool(newer(self._versions, cluster["version"])),
        }

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

        self._context.jobs.start(cluster["id"], f"{status} cluster", work, lambda _: self._move(cluster, "locked"))

    def _remove_in_background(self, cluster: Record) -> None:
        async def work() -> None:
            identity = cluster["id"]
            await self._context.clusters.remove(identity)
            self._pools.forget_all(cluster)
            self._store.clusters.remove(identity)
            if cluster["_with_additional_resources"]:
                self._load_balancers.remove_of(identity)
                network = self._store.private_networks.find(cluster["private_network_id"])
                if network and self._vpc.is_empty(network):
                    await self._vpc.remove(network)
            self._store.save()

        self._context.jobs.start(cluster["id"], "deleting cluster", work, lambda _: self._move(cluster, "locked"))


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


def _merge(current: Record, sent: Record) -> Record:
    """Settings overlaid with the sent ones; null and unknown_… count as not sent."""
    said = {
        name: value
        for name, value in sent.items()
        if name in current and value is not None and not str(value).startswith("unknown_")
    }
    return {**current, **said}


def _set_auto_upgrade(cluster: Record, body: RequestBody) -> None:
    sent = RequestBody(body.object("auto_upgrade"))
    window = RequestBody(sent.object("maintenance_window"))
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


def _check_plugins(body: RequestBody, cluster: Record) -> None:
    for name, known in (("admission_plugins", ADMISSION_PLUGINS), ("feature_gates", FEATURE_GATES)):
        for value in cluster[name]:
            if value not in known:
                body.refuse(name, f"{value} is not one of {', '.join(known)}")

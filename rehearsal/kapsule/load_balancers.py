"""Stands in for Scaleway's cloud controller: LoadBalancer Services and Ingresses get their address."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from typing import Any

from rehearsal.kapsule.kube import Kube, KubeError, Object
from rehearsal.scaleway.backends import LoadBalancers

RESERVED_IP = "service.beta.kubernetes.io/scw-loadbalancer-ip-ids"
PROXY_PROTOCOL = "service.beta.kubernetes.io/scw-loadbalancer-proxy-protocol-v2"
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
"""Kubernetes' own name for it: a Service stays until its load balancer is gone."""
_RETRY_SECONDS = 2.0
_LOG = logging.getLogger(__name__)


class LoadBalancerController:
    """Follows the Services and Ingresses of one cluster.

    An Ingress gets the address of the first LoadBalancer Service that has one: a board has one
    ingress controller, and thus one.
    """

    def __init__(self, cluster: str, kube: Kube, balancers: LoadBalancers) -> None:
        self._cluster = cluster
        self._kube = kube
        self._balancers = balancers
        self._addresses: dict[str, Object] = {}
        """UID of a Service to its status.loadBalancer.ingress entry."""
        self._given = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_services(tasks))
            tasks.create_task(self._follow_ingresses(tasks))

    async def _follow_services(self, tasks: asyncio.TaskGroup) -> None:
        async for event, service in self._kube.watch("/api/v1/services"):
            if event == "DELETED" or service["spec"].get("type") != "LoadBalancer":
                continue
            tasks.create_task(self._settle(service))

    async def _settle(self, service: Object) -> None:
        meta: Object = service["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}"
        try:
            if "deletionTimestamp" in meta:
                await self._free(path, meta)
            elif FINALIZER not in meta.get("finalizers", []):
                await self._kube.merge(path, {"metadata": {"finalizers": [*meta.get("finalizers", []), FINALIZER]}})
            elif not service.get("status", {}).get("loadBalancer", {}).get("ingress"):
                await self._give(path, meta)
            else:
                self._remember(meta["uid"], service["status"]["loadBalancer"]["ingress"][0])
        except KubeError as error:
            # Gone or changed meanwhile: the watch brings the newer state.
            if error.status not in (404, 409):
                raise

    async def _give(self, path: str, meta: Object) -> None:
        annotations: dict[str, str] = meta.get("annotations") or {}
        reserved = annotations.get(RESERVED_IP, "").rpartition("/")[2] or None
        try:
            address = await self._balancers.acquire(self._cluster, meta["uid"], reserved)
        except LookupError as error:
            await self._complain(meta, f"Error syncing load balancer: {error}")
            await asyncio.sleep(_RETRY_SECONDS)
            await self._settle(await self._kube.call("GET", path))
            return
        # Behind the proxy protocol, nodes must not short-cut to the address.
        mode = "Proxy" if annotations.get(PROXY_PROTOCOL) in ("*", "true") else "VIP"
        entry = {"ip": address, "ipMode": mode}
        await self._kube.merge(f"{path}/status", {"status": {"loadBalancer": {"ingress": [entry]}}})
        self._remember(meta["uid"], entry)

    async def _free(self, path: str, meta: Object) -> None:
        await self._balancers.release(self._cluster, meta["uid"])
        self._addresses.pop(meta["uid"], None)
        others = [finalizer for finalizer in meta.get("finalizers", []) if finalizer != FINALIZER]
        await self._kube.merge(path, {"metadata": {"finalizers": others}})

    def _remember(self, service: str, entry: Object) -> None:
        self._addresses[service] = entry
        self._given.set()

    async def _follow_ingresses(self, tasks: asyncio.TaskGroup) -> None:
        async for event, ingress in self._kube.watch("/apis/networking.k8s.io/v1/ingresses"):
            if event != "DELETED" and not ingress.get("status", {}).get("loadBalancer", {}).get("ingress"):
                tasks.create_task(self._expose(ingress))

    async def _expose(self, ingress: Object) -> None:
        await self._given.wait()
        meta: Object = ingress["metadata"]
        entry = {"ip": next(iter(self._addresses.values()))["ip"]} if self._addresses else None
        path = f"/apis/networking.k8s.io/v1/namespaces/{meta['namespace']}/ingresses/{meta['name']}/status"
        try:
            await self._kube.merge(path, {"status": {"loadBalancer": {"ingress": [entry] if entry else []}}})
        except KubeError as error:
            if error.status != 404:
                raise

    async def _complain(self, meta: Object, message: str) -> None:
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event: dict[str, Any] = {
            "metadata": {"generateName": f"{meta['name']}.", "namespace": meta["namespace"]},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Service",
                "name": meta["name"],
                "namespace": meta["namespace"],
                "uid": meta["uid"],
            },
            "type": "Warning",
            "reason": "SyncLoadBalancerFailed",
            "message": message,
            "source": {"component": "cloud-controller-stand-in"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        _LOG.warning("%s/%s: %s", meta["namespace"], meta["name"], message)
        await self._kube.call("POST", f"/api/v1/namespaces/{meta['namespace']}/events", event)

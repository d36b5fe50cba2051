"""Stands in for Scaleway's cloud controller: LoadBalancer Services get their address.

Annotations, address mode and finalizer are those of
https://github.com/scaleway/scaleway-cloud-controller-manager/blob/main/docs/loadbalancer-annotations.md;
of the annotations, those below are heeded. A board with a real node answers at the address (`board_node`), by version 2
of the proxy protocol where the annotation says so; elsewhere nothing listens there, for no pod runs.
"""

from __future__ import annotations

from collections.abc import Mapping

from rehearsal.kapsule.controllers import Informer, NotReconciledError, Reconciler
from rehearsal.kapsule.events import record_event
from rehearsal.kapsule.kube import Kube, Object
from rehearsal.scaleway.backends import LoadBalancers

RESERVED_IP = "service.beta.kubernetes.io/scw-loadbalancer-ip-ids"
ZONE = "service.beta.kubernetes.io/scw-loadbalancer-zone"
PROXY_PROTOCOLS = tuple(
    f"service.beta.kubernetes.io/scw-loadbalancer-proxy-protocol-{version}" for version in ("v1", "v2")
)
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
"""Kubernetes' own name for it: a Service stays until its load balancer is gone."""


class LoadBalancerController:
    """Gives each LoadBalancer Service of one cluster its address, and takes it back with the Service."""

    def __init__(self, cluster: str, kube: Kube, balancers: LoadBalancers, services: Informer) -> None:
        self._cluster = cluster
        self._kube = kube
        self._balancers = balancers
        self._services = services

    @property
    def reconcilers(self) -> list[Reconciler]:
        return [Reconciler(self._services, self._reconcile)]

    async def _reconcile(self, service: Object) -> None:
        meta: Object = service["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}"
        finalizers: list[str] = meta.get("finalizers", [])
        if _wanted(service):
            if FINALIZER not in finalizers:
                # First, so that no Service can go without giving back what it got.
                service = await self._set_finalizers(path, meta, [*finalizers, FINALIZER])
            await self._give(path, service)
        elif FINALIZER in finalizers:
            await self._take_back(path, service)

    async def _give(self, path: str, service: Object) -> None:
        annotations: Mapping[str, str] = service["metadata"].get("annotations", {})
        try:
            address = await self._balancers.acquire(
                self._cluster, service["metadata"]["uid"], _reserved(annotations), annotations.get(ZONE)
            )
        except LookupError as error:
            message = f"Error syncing load balancer: {error}"
            await record_event(self._kube, service, "Service", "SyncLoadBalancerFailed", message, bad=True)
            raise NotReconciledError(message) from error
        entry = {"ip": address, "ipMode": _mode(service, annotations)}
        if addresses(service) != [entry]:
            await self._set_addresses(path, [entry])
            await record_event(
                self._kube, service, "Service", "EnsuredLoadBalancer", "Ensured load balancer", bad=False
            )

    async def _take_back(self, path: str, service: Object) -> None:
        meta: Object = service["metadata"]
        await self._balancers.release(self._cluster, meta["uid"])
        if addresses(service) and "deletionTimestamp" not in meta:
            meta = (await self._set_addresses(path, []))["metadata"]
        await self._set_finalizers(path, meta, [name for name in meta["finalizers"] if name != FINALIZER])

    async def _set_addresses(self, path: str, entries: list[Object]) -> Object:
        answer = await self._kube.merge(f"{path}/status", {"status": {"loadBalancer": {"ingress": entries}}})
        self._services.note(answer)
        return answer

    async def _set_finalizers(self, path: str, meta: Object, finalizers: list[str]) -> Object:
        # With the version, so that nobody else's finalizer is lost.
        patch = {"metadata": {"finalizers": finalizers, "resourceVersion": meta["resourceVersion"]}}
        answer = await self._kube.merge(path, patch)
        if "deletionTimestamp" not in meta:
            # One that is being deleted may be gone by now, and the watch may have said so already.
            self._services.note(answer)
        return answer


def addresses(of: Object) -> list[Object]:
    """What a Service or an Ingress says of its load balancer's addresses."""
    return of.get("status", {}).get("loadBalancer", {}).get("ingress", [])


def _wanted(service: Object) -> bool:
    spec: Object = service["spec"]
    # Scaleway's controller leaves a Service with a class of its own to whoever serves that class.
    ours = spec.get("type") == "LoadBalancer" and "loadBalancerClass" not in spec
    return ours and "deletionTimestamp" not in service["metadata"]


def _reserved(annotations: Mapping[str, str]) -> str | None:
    """The id of the reserved IP, without the zone that Terraform's ids begin with."""
    # An IPv4 and an IPv6 address may be named; a rehearsal has IPv4 only.
    first = annotations.get(RESERVED_IP, "").split(",")[0].strip()
    return first.rpartition("/")[2] or None


def _mode(service: Object, annotations: Mapping[str, str]) -> str:
    """Proxy when every port speaks the proxy protocol: nodes must then not short-cut to the address."""
    ports = [int(port["port"]) for port in service["spec"]["ports"]]
    for annotation in PROXY_PROTOCOLS:
        if all(_named(annotations.get(annotation, "false"), port) for port in ports):
            return "Proxy"
    return "VIP"


def proxied(service: Object, port: int) -> bool:
    """Whether a Service's port is told callers' addresses by version 2 of the proxy protocol."""
    annotations: Mapping[str, str] = service["metadata"].get("annotations", {})
    return _named(annotations.get(PROXY_PROTOCOLS[1], "false"), port)


def _named(value: str, port: int) -> bool:
    """Whether an annotation's value means a port."""
    return value == "*" or value.lower() == "true" or str(port) in {each.strip() for each in value.split(",")}

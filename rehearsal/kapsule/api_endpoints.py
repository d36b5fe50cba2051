"""Stands in for what an API server writes of itself: the endpoints of the Service `kubernetes`."""

from __future__ import annotations

from rehearsal.kapsule.kube import Kube, Object

ADDRESS = "192.0.2.2"
"""Of a range kept for documentation (RFC 5737), as a loopback address may not be an endpoint. Nothing answers there."""
_SERVICE = "kubernetes"


_ENDPOINTS = "/api/v1/namespaces/default/endpoints"
_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


async def provide_api_endpoints(kube: Kube, port: int) -> None:
    """Both objects as an API server makes them; they are left as they are if they are there.

    port: at which it serves.
    """
    endpoints, slice_ = _objects(ADDRESS, port)
    await kube.create(_ENDPOINTS, endpoints)
    await kube.create(_SLICES, slice_)


async def lead_pods_to_api(kube: Kube, address: str, port: int) -> None:
    """Make both objects name an address that pods reach."""
    endpoints, slice_ = _objects(address, port)
    await kube.apply(f"{_ENDPOINTS}/{_SERVICE}", {"apiVersion": "v1", "kind": "Endpoints", **endpoints})
    group = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}
    await kube.apply(f"{_SLICES}/{_SERVICE}", {**group, **slice_})


def _objects(address: str, port: int) -> tuple[Object, Object]:
    """Endpoints and EndpointSlice.

    Source: kubernetes, pkg/controlplane/reconcilers/endpointsadapter.go
    """
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    labels = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    endpoints: Object = {
        "metadata": {"name": _SERVICE, "labels": labels},
        "subsets": [{"addresses": [{"ip": address}], "ports": ports}],
    }
    slice_: Object = {
        "metadata": {"name": _SERVICE, "labels": {"kubernetes.io/service-name": _SERVICE}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": ports,
    }
    return endpoints, slice_

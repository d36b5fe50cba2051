"""Stands in for what an API server writes of itself: the endpoints of the Service `kubernetes`."""

from __future__ import annotations

from rehearsal.kapsule.kube import Kube, Object

ADDRESS = "192.0.2.2"
"""Of a range kept for documentation (RFC 5737), as a loopback address may not be an endpoint. Nothing answers there."""
_SERVICE = "kubernetes"


async def provide_api_endpoints(kube: Kube, port: int) -> None:
    """Both objects as an API server makes them; they are left as they are if they are there.

    port: at which it serves.

    Source: kubernetes, pkg/controlplane/reconcilers/endpointsadapter.go
    """
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    metadata: Object = {"name": _SERVICE, "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}
    endpoints: Object = {"metadata": metadata, "subsets": [{"addresses": [{"ip": ADDRESS}], "ports": ports}]}
    await kube.create("/api/v1/namespaces/default/endpoints", endpoints)
    slice_: Object = {
        "metadata": {"name": _SERVICE, "labels": {"kubernetes.io/service-name": _SERVICE}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
        "ports": ports,
    }
    await kube.create("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice_)

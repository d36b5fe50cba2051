"""Stands in for what an ingress controller tells of its Ingresses where no pod runs: the address that reaches them.

An Ingress of a known class gets the address of its controller's LoadBalancer Service. Which one that
is, is guessed, the first that fits: a Service of the same Helm release as the IngressClass; one with
the label app.kubernetes.io/name=nginx-ingress, as F5's chart gives it; any in the namespace into
which Helm installed the class. Without such a Service, or without a class, an Ingress has no address.
"""

from __future__ import annotations

from collections.abc import Callable

from rehearsal.kapsule.controllers import Informer, Reconciler
from rehearsal.kapsule.kube import Kube, Object
from rehearsal.kapsule.load_balancers import addresses

_RELEASE = "meta.helm.sh/release-name"
_NAMESPACE = "meta.helm.sh/release-namespace"


class IngressController:
    """Keeps the address of each Ingress of one cluster."""

    def __init__(self, kube: Kube, ingresses: Informer, classes: Informer, services: Informer) -> None:
        self._kube = kube
        self._ingresses = ingresses
        self._classes = classes
        self._services = services

    @property
    def reconcilers(self) -> list[Reconciler]:
        return [Reconciler(self._ingresses, self._reconcile)]

    async def _reconcile(self, ingress: Object) -> None:
        meta: Object = ingress["metadata"]
        entries = [{"ip": entry["ip"]} for entry in self._entries_for(ingress)]
        if addresses(ingress) != entries and "deletionTimestamp" not in meta:
            path = f"/apis/networking.k8s.io/v1/namespaces/{meta['namespace']}/ingresses/{meta['name']}/status"
            self._ingresses.note(await self._kube.merge(path, {"status": {"loadBalancer": {"ingress": entries}}}))

    def _entries_for(self, ingress: Object) -> list[Object]:
        name = ingress["spec"].get("ingressClassName")
        for ingress_class in self._classes.objects:
            if ingress_class["metadata"]["name"] == name:
                return addresses(self._service_of(ingress_class) or {})
        return []

    def _service_of(self, ingress_class: Object) -> Object | None:
        release, namespace = (_annotation(ingress_class, key) for key in (_RELEASE, _NAMESPACE))
        fits: tuple[Callable[[Object], bool], ...] = (
            lambda service: (
                bool(release)
                and (_annotation(service, _RELEASE), _annotation(service, _NAMESPACE)) == (release, namespace)
            ),
            lambda service: service["metadata"].get("labels", {}).get("app.kubernetes.io/name") == "nginx-ingress",
            lambda service: service["metadata"]["namespace"] == namespace,
        )
        candidates = sorted(filter(_is_open, self._services.objects), key=_age)
        return next((service for fit in fits for service in candidates if fit(service)), None)


def _is_open(service: Object) -> bool:
    return bool(addresses(service)) and "deletionTimestamp" not in service["metadata"]


def _annotation(of: Object, key: str) -> str | None:
    return of["metadata"].get("annotations", {}).get(key)


def _age(service: Object) -> tuple[str, str]:
    return service["metadata"]["creationTimestamp"], service["metadata"]["uid"]

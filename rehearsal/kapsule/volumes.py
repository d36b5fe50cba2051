"""Stands in for Scaleway's block storage: claims get a volume that exists on paper only."""

from __future__ import annotations

from rehearsal.kapsule.controllers import Informer, NotReconciledError, Reconciler
from rehearsal.kapsule.events import record_event
from rehearsal.kapsule.kube import Kube, Object

STORAGE_CLASS = "scw-bssd"
"""The default class, as Kapsule names it."""
_DRIVER = "csi.scaleway.com"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
"""By this annotation Kubernetes asks a driver for the volume of a claim."""
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_ONE_NODE = {"ReadWriteOnce", "ReadWriteOncePod"}


class VolumeController:
    """Makes and removes the volumes of one cluster's claims."""

    def __init__(self, kube: Kube, claims: Informer, volumes: Informer) -> None:
        self._kube = kube
        self._claims = claims
        self._volumes = volumes

    @property
    def reconcilers(self) -> list[Reconciler]:
        return [Reconciler(self._claims, self._provision), Reconciler(self._volumes, self._reclaim)]

    async def _provision(self, claim: Object) -> None:
        meta: Object = claim["metadata"]
        asked = meta.get("annotations", {}).get(_PROVISIONER) == _DRIVER
        if not asked or claim["spec"].get("volumeName") or "deletionTimestamp" in meta:
            return
        shared = sorted(set(claim["spec"]["accessModes"]) - _ONE_NODE)
        if shared:
            message = f"{_DRIVER} has volumes for one node only: use ReadWriteOnce in place of {', '.join(shared)}."
            await record_event(self._kube, claim, "PersistentVolumeClaim", "ProvisioningFailed", message, bad=True)
            raise NotReconciledError(message)
        storage_class = await self._kube.call("GET", f"{_CLASSES}/{claim['spec']['storageClassName']}")
        await self._kube.create("/api/v1/persistentvolumes", _volume(claim, storage_class))

    async def _reclaim(self, volume: Object) -> None:
        meta, spec = volume["metadata"], volume["spec"]
        ours = meta.get("annotations", {}).get(_PROVISIONED_BY) == _DRIVER
        released = volume.get("status", {}).get("phase") == "Released"
        if ours and released and spec["persistentVolumeReclaimPolicy"] == "Delete" and "deletionTimestamp" not in meta:
            await self._kube.delete(f"/api/v1/persistentvolumes/{meta['name']}")


async def provide_storage_class(kube: Kube) -> None:
    """The default class; it is left as it is if there is one already."""
    body = {
        "metadata": {"name": STORAGE_CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": _DRIVER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }
    await kube.create(_CLASSES, body)


def _volume(claim: Object, storage_class: Object) -> Object:
    meta, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{meta['uid']}"
    owner = {key: meta[key] for key in ("namespace", "name", "uid")}
    return {
        "metadata": {"name": name, "annotations": {_PROVISIONED_BY: _DRIVER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "persistentVolumeReclaimPolicy": storage_class["reclaimPolicy"],
            "storageClassName": spec["storageClassName"],
            "csi": {"driver": _DRIVER, "volumeHandle": name},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **owner},
        },
    }

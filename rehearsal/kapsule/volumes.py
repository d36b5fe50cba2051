"""Stands in for Scaleway's block storage: claims get a folder of the board's node, or a volume on paper only.

Classes and the smallest size are those of https://github.com/scaleway/scaleway-csi.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from rehearsal.kapsule.controllers import Informer, NotReconciledError, Reconciler
from rehearsal.kapsule.events import record_event
from rehearsal.kapsule.kube import Kube, Object

STORAGE_CLASS = "sbs-default"
"""The default class, as Kapsule names it."""
_SPEEDS = ("sbs-5k", "sbs-15k")
"""Further classes, by the operations per second that are paid for."""
SMALLEST = 5 * 10**9
"""Bytes of the smallest volume that Scaleway sells; less is refused."""
_DRIVER = "csi.scaleway.com"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
"""By this annotation Kubernetes asks a driver for the volume of a claim."""
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_ONE_NODE = {"ReadWriteOnce", "ReadWriteOncePod"}


class VolumeFolders(Protocol):
    """The node that holds the volumes."""

    @property
    def name(self) -> str | None:
        """Name of the node, or None when there is none yet."""
        ...

    async def make_volume(self, name: str) -> str:
        """Folder of the node for a volume of that name."""
        ...

    async def delete_volume(self, name: str) -> None: ...


class VolumeController:
    """Makes and removes the volumes of one cluster's claims."""

    def __init__(self, kube: Kube, claims: Informer, volumes: Informer, node: VolumeFolders | None = None) -> None:
        self._kube = kube
        self._node = node
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
        why = refused(claim)
        if why:
            await record_event(self._kube, claim, "PersistentVolumeClaim", "ProvisioningFailed", why, bad=True)
            raise NotReconciledError(why)
        storage_class = await self._kube.call("GET", f"{_CLASSES}/{claim['spec']['storageClassName']}")
        volume = _volume(claim, storage_class)
        if self._node:
            await self._put_on_node(volume, self._node)
        await self._kube.create("/api/v1/persistentvolumes", volume)

    async def _put_on_node(self, volume: Object, node: VolumeFolders) -> None:
        if node.name is None:
            raise NotReconciledError("The board has no node yet that could hold the volume.")
        folder = await node.make_volume(volume["metadata"]["name"])
        spec: Object = volume["spec"]
        del spec["csi"]
        spec["local"] = {"path": folder}
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}

    async def _reclaim(self, volume: Object) -> None:
        meta, spec = volume["metadata"], volume["spec"]
        ours = meta.get("annotations", {}).get(_PROVISIONED_BY) == _DRIVER
        released = volume.get("status", {}).get("phase") == "Released"
        if ours and released and spec["persistentVolumeReclaimPolicy"] == "Delete" and "deletionTimestamp" not in meta:
            if self._node and self._node.name:
                await self._node.delete_volume(meta["name"])
            await self._kube.delete(f"/api/v1/persistentvolumes/{meta['name']}")


async def provide_storage_class(kube: Kube) -> None:
    """The classes; they are left as they are if they are there already."""
    for name in (STORAGE_CLASS, *_SPEEDS):
        default = {"storageclass.kubernetes.io/is-default-class": "true"} if name == STORAGE_CLASS else {}
        body = {
            "metadata": {"name": name, "annotations": default},
            "provisioner": _DRIVER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
            "allowVolumeExpansion": True,
        }
        await kube.create(_CLASSES, body)


def refused(claim: Object) -> str | None:
    """Why a claim gets no volume, or None."""
    shared = sorted(set(claim["spec"]["accessModes"]) - _ONE_NODE)
    if shared:
        return f"{_DRIVER} has volumes for one node only: use ReadWriteOnce in place of {', '.join(shared)}."
    asked: str = claim["spec"]["resources"]["requests"]["storage"]
    if _bytes(asked) < SMALLEST:
        return f"{asked} is less than the smallest volume that {_DRIVER} makes: claim 5G or more."
    return None


def _bytes(quantity: str) -> Decimal:
    """A quantity of Kubernetes in bytes.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    number = quantity.rstrip("KMGTPEkmi")
    unit = quantity[len(number) :]
    base = 1024 if unit.endswith("i") else 1000
    # Thousandths come first, then units, then thousands.
    return Decimal(number) * Decimal(base) ** ("m_KMGTPE".index(unit[0].replace("k", "K")) - 1 if unit else 0)


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
